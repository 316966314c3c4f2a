/** The page begins here, and its address tells what is shown: `#/` the library, `#/read/<id>` a document. */

import { installAppearance } from "./appearance.js";
import { byId } from "./dom.js";
import { live } from "./events.js";
import { errorWords } from "./i18n.js";
import { closeLibrary, openLibrary } from "./library.js";
import { installMeter } from "./meter.js";
import { notify } from "./notices.js";
import { installPlayerBar } from "./player_bar.js";
import { installPregenerate } from "./pregenerate.js";
import { installReader } from "./reader.js";
import { session } from "./session.js";
import { installSettings } from "./settings.js";

const READ = "#/read/";
const NOT_THERE = new Set(["NO_DOCUMENT", "BAD_ID", "NOT_FOUND"]);
let shown = 0;

/** The id in the address; one that is damaged is handed on as it stands, and no document has it. */
function idOf(hash) {
  if (!hash.startsWith(READ)) return null;
  try {
    return decodeURIComponent(hash.slice(READ.length));
  } catch {
    return hash.slice(READ.length);
  }
}

/** Show what the address says; after the first time the focus goes to its heading, which says where one is. */
async function route() {
  const id = idOf(location.hash);
  const mine = (shown += 1);
  byId("ask").close(); // a question about what is left
  byId("reader").hidden = byId("player").hidden = id === null;
  byId("library").hidden = id !== null;
  if (id === null) {
    session.close();
    live.watch(null);
    document.title = "oomproof";
    openLibrary();
    if (mine > 1) focusOn("library-title");
    return;
  }
  closeLibrary();
  try {
    const opened = session.open(id);
    if (mine > 1) focusOn("title");
    await opened;
  } catch (error) {
    if (mine !== shown) return;
    live.watch(null);
    const isGone = NOT_THERE.has(error.code);
    const action = isGone ? toLibrary : { key: "retry", run: route };
    notify(...errorWords(error), { kind: "error", action });
  }
}

const toLibrary = { key: "reader.to_library", run: () => (location.hash = "#/") };

function focusOn(id) {
  byId(id).tabIndex = -1;
  byId(id).focus({ preventScroll: true });
}

installAppearance();
installMeter();
installReader();
installPlayerBar();
installPregenerate();
installSettings({ currentDocumentId: () => session.book?.id ?? null });
byId("back-to-library").addEventListener("click", () => (location.hash = "#/"));
session.addEventListener("open", () => live.watch(session.book.id));
session.addEventListener("gone", () => notify("error.NO_DOCUMENT", {}, { kind: "error", action: toLibrary }));
window.addEventListener("hashchange", route);
route().then(() => document.documentElement.setAttribute("data-ready", ""));
