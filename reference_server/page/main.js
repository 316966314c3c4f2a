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

/** The id in the address; one that is damaged is handed on as it stands, and no document has it. */
function idOf(hash) {
  if (!hash.startsWith(READ)) return null;
  try {
    return decodeURIComponent(hash.slice(READ.length));
  } catch {
    return hash.slice(READ.length);
  }
}

async function route() {
  const id = idOf(location.hash);
  byId("reader").hidden = byId("player").hidden = id === null;
  byId("library").hidden = id !== null;
  if (id === null) {
    session.close();
    live.watch(null);
    document.title = "oomproof";
    openLibrary();
    return;
  }
  closeLibrary();
  try {
    if (await session.open(id)) live.watch(id);
  } catch (error) {
    live.watch(null);
    const gone = error.code === "NO_DOCUMENT" || error.code === "BAD_ID" || error.code === "NOT_FOUND";
    const action = { key: gone ? "reader.to_library" : "retry", run: gone ? () => (location.hash = "#/") : route };
    notify(...errorWords(error), { kind: "error", action });
  }
}

installAppearance();
installMeter();
installReader();
installPlayerBar();
installPregenerate();
installSettings({ currentDocumentId: () => session.book?.id ?? null });
byId("back-to-library").addEventListener("click", () => (location.hash = "#/"));
window.addEventListener("hashchange", route);
route().then(() => document.documentElement.setAttribute("data-ready", ""));
