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

  "reader.opening": ["Opening…", "Ouverture…"],
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
  "player.press_again": ["It is ready: press play once more.", "C’est prêt : appuyez encore une fois sur Lire."],

  "pregenerate.none": ["Pre-generate", "Pré-générer"],
  "pregenerate.partial": ["Pre-generate", "Pré-générer"],
  "pregenerate.running": ["Pre-generate", "Pré-générer"],
  "pregenerate.done": ["Pre-generated ✓", "Pré-généré ✓"],
  "pregenerate.stale": ["Regenerate?", "Régénérer ?"],
  "pregenerate.failed": ["Try again", "Réessayer"],
  "pregenerate.progress": ["Pre-generation", "Pré-génération"],
  "pregenerate.pages": [
    { by: "total", one: "{done}/{total} page", other: "{done}/{total} pages" },
    { by: "total", one: "{done}/{total} page", other: "{done}/{total} pages" },
  ],
  "pregenerate.count_failed": [
    { one: "{done}/{total} pages, 1 block failed", other: "{done}/{total} pages, {count} blocks failed" },
    { one: "{done}/{total} pages, {count} bloc en échec", other: "{done}/{total} pages, {count} blocs en échec" },
  ],
  "pregenerate.quarter": ["Pre-generation: {percent} %", "Pré-génération : {percent} %"],
  "pregenerate.ended_done": ["Pre-generation has finished.", "La pré-génération est terminée."],
  "pregenerate.ended_other": ["Pre-generation has ended.", "La pré-génération s’est arrêtée."],
  "pregenerate.lost": [
    "{done}/{total} pages: waiting for the server",
    "{done}/{total} pages : en attente du serveur",
  ],
  "pregenerate.some": [
    { one: "{count} of {total} pages is ready", other: "{count} of {total} pages are ready" },
    { one: "{count} page sur {total} est prête", other: "{count} pages sur {total} sont prêtes" },
  ],
  "pregenerate.failed_blocks": [
    { one: "1 block could not be made.", other: "{count} blocks could not be made." },
    { one: "{count} bloc n’a pas pu être produit.", other: "{count} blocs n’ont pas pu être produits." },
  ],
  "pregenerate.broken_off": [
    "Interrupted. Finished blocks are kept; try again to continue.",
    "Interruption. Les blocs terminés sont conservés ; réessayez pour continuer.",
  ],
  "pregenerate.resumed": [
    "The server had restarted: pre-generation continues where it was.",
    "Le serveur avait redémarré : la pré-génération reprend où elle en était.",
  ],
  "pregenerate.unfinished": [
    "The pre-generation of this document was not finished.",
    "La pré-génération de ce document n’était pas terminée.",
  ],
  "pregenerate.go_on": ["Continue", "Continuer"],
  "pregenerate.all_there": [
    "The speech of the whole document is stored: reading makes nothing anew.",
    "La voix de tout le document est enregistrée : la lecture ne produit plus rien.",
  ],
  "pregenerate.keep": ["Keep it", "La conserver"],
  "pregenerate.remove": ["Delete this audio", "Supprimer cet audio"],
  "pregenerate.title": ["Pre-generate the speech", "Pré-générer la voix"],
  "pregenerate.what": ["What should be generated?", "Que faut-il générer ?"],
  "pregenerate.choice_all": [
    { one: "The whole document (1 page)", other: "The whole document ({count} pages)" },
    { one: "Tout le document ({count} page)", other: "Tout le document ({count} pages)" },
  ],
  "pregenerate.choice_page": ["This page only (page {page})", "Cette page seulement (page {page})"],
  "pregenerate.choice_next": ["This page and the next", "Cette page et la suivante"],
  "pregenerate.estimating": ["Estimating…", "Estimation en cours…"],
  "pregenerate.nothing_missing": ["All of it is made already.", "Tout est déjà produit."],
  "pregenerate.estimate": [
    "About {bytes} and {seconds}, for {count} of {blocks} blocks.",
    "Environ {bytes} et {seconds} ; blocs à produire : {count} sur {blocks}.",
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
    {
      one: "1 block of this document was made with other settings:",
      other: "{count} blocks of this document were made with other settings:",
    },
    {
      one: "{count} bloc de ce document a été produit avec d’autres réglages :",
      other: "{count} blocs de ce document ont été produits avec d’autres réglages :",
    },
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
