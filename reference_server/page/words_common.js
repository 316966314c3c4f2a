/** What the page says everywhere, and a sentence for each of the server's errors: English and French. */

export const words = {
  "page.skip": ["Skip to the content", "Aller au contenu"],
  "page.close": ["Close", "Fermer"],
  "page.dismiss": ["Dismiss this message", "Fermer ce message"],

  "language.other": ["Français", "English"],
  "language.other_short": ["FR", "EN"],
  "theme.dark": ["Dark theme", "Thème sombre"],

  "reader.text": ["Text of the page", "Texte de la page"],
  "reader.pages": ["Pages", "Pages"],
  "reader.page": ["Page number", "Numéro de page"],
  "reader.page_back": ["Page back", "Page précédente"],
  "reader.page_forward": ["Page forward", "Page suivante"],
  "player.label": ["Reading aloud", "Lecture à voix haute"],
  "player.previous": ["Previous block", "Bloc précédent"],
  "player.next": ["Next block", "Bloc suivant"],
  "player.rate": ["Speed", "Vitesse"],
  "player.voice": ["Voice", "Voix"],

  "error.NETWORK": [
    "The server cannot be reached. Check your connection and that the server is running, then try again.",
    "Le serveur est injoignable. Vérifiez votre connexion et que le serveur fonctionne, puis réessayez.",
  ],
  "error.OTHER": [
    "Something went wrong. Try again, or reload the page. The server said: “{message}”",
    "Un problème est survenu. Réessayez ou rechargez la page. Réponse du serveur : « {message} »",
  ],
  "error.AUDIO": [
    "The browser cannot play this block’s audio. Try again, or continue with the next block.",
    "Le navigateur ne peut pas lire l’audio de ce bloc. Réessayez ou passez au bloc suivant.",
  ],
  "error.UNAUTHORIZED": [
    "The password is missing or wrong. Reload the page and enter it.",
    "Le mot de passe est absent ou incorrect. Rechargez la page et saisissez-le.",
  ],
  "error.CROSS_SITE": [
    "The server refused this request because it seemed to come from another site. Open the reader at its own address.",
    "Le serveur a refusé cette demande, qui semblait venir d’un autre site. Ouvrez le lecteur à sa propre adresse.",
  ],
  "error.BASE_URL_NOT_ALLOWED": [
    "The server does not allow this speech service. Ask whoever runs it to allow it.",
    "Le serveur n’autorise pas ce service vocal. Demandez à la personne qui le gère de l’autoriser.",
  ],
  "error.BAD_REQUEST": [
    "The server did not accept this: “{message}” Check your settings, or reload the page.",
    "Le serveur n’accepte pas cette demande : « {message} » Vérifiez vos réglages ou rechargez la page.",
  ],
  "error.MISSING_PARAMETERS": [
    "The request was incomplete: “{message}” Reload the page and try again.",
    "La demande était incomplète : « {message} » Rechargez la page et réessayez.",
  ],
  "error.BAD_ID": [
    "This is not the address of a document. Choose one in the library.",
    "Cette adresse n’est pas celle d’un document. Choisissez-en un dans la bibliothèque.",
  ],
  "error.NOT_FOUND": [
    "The server does not know this request. Reload the page: it may be out of date.",
    "Le serveur ne connaît pas cette demande. Rechargez la page : elle n’est peut-être plus à jour.",
  ],
  "error.METHOD_NOT_ALLOWED": [
    "The server does not allow this request. Reload the page: it may be out of date.",
    "Le serveur n’autorise pas cette demande. Rechargez la page : elle n’est peut-être plus à jour.",
  ],
  "error.NO_DOCUMENT": [
    "This document is no longer in the library. Choose another one, or add it again.",
    "Ce document n’est plus dans la bibliothèque. Choisissez-en un autre ou ajoutez-le de nouveau.",
  ],
  "error.NO_PAGE": [
    "The document does not have this page. Choose another one.",
    "Le document n’a pas cette page. Choisissez-en une autre.",
  ],
  "error.NO_CHUNK": [
    "This block’s audio has not been made. It can be read live, or pre-generated.",
    "L’audio de ce bloc n’a pas été produit. Vous pouvez le lire en direct ou le pré-générer.",
  ],
  "error.STALE_CHUNK": [
    "This block’s audio was made with other settings. It can be read live, or pre-generated again.",
    "L’audio de ce bloc a été produit avec d’autres réglages. Vous pouvez le lire en direct ou le pré-générer de nouveau.",
  ],
  "error.TOO_SLOW": [
    "The connection was too slow, and the server stopped waiting. Try again, or from a faster connection.",
    "La connexion était trop lente et le serveur a cessé d’attendre. Réessayez, ou avec une connexion plus rapide.",
  ],
  "error.DOCUMENT_CHANGED": [
    "The document has just been replaced. Reload the page to read the new one.",
    "Le document vient d’être remplacé. Rechargez la page pour lire le nouveau.",
  ],
  "error.JOB_RUNNING": [
    "This document is being pre-generated with other settings. Wait until it is done, or cancel it.",
    "Ce document est en cours de pré-génération avec d’autres réglages. Attendez la fin ou annulez-la.",
  ],
  "error.TOO_LARGE": [
    "The file is too large for the server. Choose a smaller one, or split it.",
    "Le fichier est trop volumineux pour le serveur. Choisissez-en un plus petit ou divisez-le.",
  ],
  "error.NOT_A_DOCUMENT": [
    "This file cannot be read as a PDF, an EPUB, text or Markdown. Choose another one. The server said: “{message}”",
    "Ce fichier n’est lisible ni comme PDF, ni comme EPUB, texte ou Markdown. Choisissez-en un autre. Réponse du serveur : « {message} »",
  ],
  "error.NO_TEXT": [
    "No text was found in this file: its pages may be scanned images. Choose one with text, or run text recognition on it first.",
    "Aucun texte n’a été trouvé dans ce fichier : ses pages sont peut-être des images numérisées. Choisissez un fichier avec du texte ou passez-le d’abord à la reconnaissance de caractères.",
  ],
  "error.TEXT_TOO_LONG": [
    "This text is too long. Split the document and add its parts one by one.",
    "Ce texte est trop long. Divisez le document et ajoutez-en les parties une à une.",
  ],
  "error.WRONG_SHA256": [
    "The file was damaged during the upload. Send it again.",
    "Le fichier a été endommagé pendant l’envoi. Envoyez-le de nouveau.",
  ],
  "error.HEAD_TOO_LARGE": [
    "The browser sent too much with its request. Delete this site’s cookies and reload the page.",
    "Le navigateur a joint trop d’informations à sa demande. Effacez les cookies de ce site et rechargez la page.",
  ],
  "error.TTS_GENERATION_FAILED": [
    "The speech service could not speak this text. Try again in a moment, or with another voice or model. It answered: “{message}”",
    "Le service vocal n’a pas pu lire ce texte. Réessayez dans un instant, ou avec une autre voix ou un autre modèle. Sa réponse : « {message} »",
  ],
  "error.WHISPER_ALIGNMENT_FAILED": [
    "The words of this block could not be timed, so none are highlighted. Reading continues.",
    "Les mots de ce bloc n’ont pas pu être synchronisés : aucun n’est surligné. La lecture continue.",
  ],
  "error.ALIGNER_BUSY": [
    "All aligners are busy, so no words are highlighted for now. Reading continues; pre-generate to avoid this.",
    "Tous les aligneurs sont occupés : aucun mot n’est surligné pour l’instant. La lecture continue ; pré-générez pour l’éviter.",
  ],
  "error.DOCUMENT_DAMAGED": [
    "The server’s copy of this document is damaged. Delete it in the library and add it again.",
    "La copie de ce document sur le serveur est endommagée. Supprimez-la de la bibliothèque et ajoutez-la de nouveau.",
  ],
  "error.INTERNAL_ERROR": [
    "The server had an error. Try again; if it happens again, see the server’s log.",
    "Le serveur a rencontré une erreur. Réessayez ; si elle persiste, consultez son journal.",
  ],
  "error.OVERLOADED": [
    "The server is overloaded. Wait half a minute, then try again.",
    "Le serveur est surchargé. Attendez une trentaine de secondes, puis réessayez.",
  ],
  "error.READER_KILLED": [
    "The server had to stop reading this file, probably for lack of memory. Try again, or choose a smaller one.",
    "Le serveur a dû interrompre la lecture de ce fichier, sans doute par manque de mémoire. Réessayez ou choisissez-en un plus petit.",
  ],
  "error.SERVER_ENDS": [
    "The server is stopping or restarting. Wait a moment, then try again.",
    "Le serveur s’arrête ou redémarre. Patientez un instant, puis réessayez.",
  ],
  "error.DISK_FULL": [
    "The server’s storage is full. Clear pre-generated audio in the settings or delete documents, then try again.",
    "Le stockage du serveur est plein. Effacez de l’audio pré-généré dans les réglages ou supprimez des documents, puis réessayez.",
  ],
};
