/** What the reader, its bar and the making of chunks say: English and French. */

export const words = {
  nothing: ["", ""],
  cancel: ["Cancel", "Annuler"],
  retry: ["Try again", "Réessayer"],

  "mode.live": ["Live", "En direct"],
  "mode.live_why": [
    "Live: each block’s speech is made when it is read",
    "En direct : la voix de chaque bloc est produite au moment de la lecture",
  ],
  "mode.cached": ["Cached", "En cache"],
  "mode.cached_why": [
    "Cached: speech is read from what was made ahead",
    "En cache : la lecture utilise ce qui a été pré-généré",
  ],

  "reader.of": ["of {pages}", "sur {pages}"],
  "reader.no_text": ["This document has no text to read.", "Ce document ne contient aucun texte à lire."],
  "reader.fallback": [
    "This block is not in the cache: it is read live.",
    "Ce bloc n’est pas dans le cache : il est lu en direct.",
  ],
  "reader.to_library": ["Go to the library", "Aller à la bibliothèque"],

  "player.play": ["Play", "Lire"],
  "player.pause": ["Pause", "Pause"],
  "player.at": ["Page {page}, block {block} of {blocks}", "Page {page}, bloc {block} sur {blocks}"],
  "player.end": ["The document has been read to its end.", "Le document a été lu jusqu’à la fin."],

  "pregenerate.none": ["Pre-generate", "Pré-générer"],
  "pregenerate.partial": ["Pre-generate", "Pré-générer"],
  "pregenerate.running": ["Pre-generate", "Pré-générer"],
  "pregenerate.done": ["Pre-generated ✓", "Pré-généré ✓"],
  "pregenerate.stale": ["Regenerate?", "Régénérer ?"],
  "pregenerate.failed": ["Try again", "Réessayer"],
  "pregenerate.progress": ["Pre-generation", "Pré-génération"],
  "pregenerate.count": ["{done}/{total} pages", "{done}/{total} pages"],
  "pregenerate.count_failed": [
    "{done}/{total} pages, {failed} blocks failed",
    "{done}/{total} pages, {failed} blocs en échec",
  ],
  "pregenerate.lost": [
    "{done}/{total} pages: waiting for the server",
    "{done}/{total} pages : en attente du serveur",
  ],
  "pregenerate.some": ["{done} of {total} pages are ready", "{done} pages sur {total} sont prêtes"],
  "pregenerate.failed_blocks": [
    "{failed} blocks could not be made; trying again makes only these. The last one: “{why}”",
    "{failed} blocs n’ont pas pu être produits ; réessayer ne reprend que ceux-là. Le dernier : « {why} »",
  ],
  "pregenerate.broken_off": [
    "It was broken off. What was made stays: try again, and it goes on there.",
    "La pré-génération s’est interrompue. Ce qui est fait est conservé : réessayez pour la poursuivre.",
  ],
  "pregenerate.resumed": [
    "The server had restarted: the pre-generation goes on where it was.",
    "Le serveur avait redémarré : la pré-génération reprend où elle en était.",
  ],
  "pregenerate.title": ["Pre-generate the speech", "Pré-générer la voix"],
  "pregenerate.what": ["What shall be made?", "Que faut-il produire ?"],
  "pregenerate.choice_all": ["The whole document ({pages} pages)", "Tout le document ({pages} pages)"],
  "pregenerate.choice_all_one": ["The whole document (1 page)", "Tout le document (1 page)"],
  "pregenerate.choice_page": ["This page only (page {page})", "Cette page seulement (page {page})"],
  "pregenerate.choice_next": ["This page and the next", "Cette page et la suivante"],
  "pregenerate.estimating": ["Estimating…", "Estimation en cours…"],
  "pregenerate.nothing_missing": ["All of it is made already.", "Tout est déjà produit."],
  "pregenerate.estimate": [
    "About {bytes} and {seconds}, for {missing} of {blocks} blocks.",
    "Environ {bytes} et {seconds}, pour {missing} blocs sur {blocks}.",
  ],
  "pregenerate.basis_measured": [
    "Estimated from what this server has made since it started.",
    "Estimé d’après ce que ce serveur a produit depuis son démarrage.",
  ],
  "pregenerate.basis_assumed": [
    "A first guess: this server has made nothing yet.",
    "Première approximation : ce serveur n’a encore rien produit.",
  ],
  "pregenerate.store": ["The storage holds {used} of {most}.", "Le stockage contient {used} sur {most}."],
  "pregenerate.too_much": [
    "That is more than there is room for: the chunks of the oldest documents will be removed.",
    "C’est plus que la place restante : l’audio des documents les plus anciens sera supprimé.",
  ],
  "pregenerate.start": ["Pre-generate", "Pré-générer"],

  "regenerate.title": ["Regenerate?", "Régénérer ?"],
  "regenerate.body": [
    "{blocks} blocks of this document were made with other settings:",
    "{blocks} blocs de ce document ont été produits avec d’autres réglages :",
  ],
  "regenerate.voice": ["Voice: {stored}, now {wanted}", "Voix : {stored}, désormais {wanted}"],
  "regenerate.speed": ["Speed: {stored}, now {wanted}", "Vitesse : {stored}, désormais {wanted}"],
  "regenerate.model": ["Model: {stored}, now {wanted}", "Modèle : {stored}, désormais {wanted}"],
  "regenerate.hint": [
    "Until you answer, the old ones are kept and read.",
    "Tant que vous n’avez pas répondu, les anciens sont conservés et lus.",
  ],
  "regenerate.yes": ["Regenerate", "Régénérer"],
  "regenerate.live": ["Change, and read live", "Changer et lire en direct"],
  "regenerate.keep": ["Keep the old settings", "Garder les anciens réglages"],
};
