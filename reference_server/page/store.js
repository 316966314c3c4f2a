/** What is pre-generated, in the settings: how much of the store it fills, and its removal. */

import { api } from "./api.js";
import { ask } from "./dialog.js";
import { byId, el } from "./dom.js";
import { bytes, errorWords, language, onLanguage, say } from "./i18n.js";
import { forgetAllJobs, forgetJob } from "./jobs.js";

const said = byId("settings-said");
const ofDocument = byId("clear-document");
const ofAll = byId("clear-all");
let documentId = () => null;
let stats = null;

/**
 * Let the buttons clear.
 * @param {{currentDocumentId: () => string|null}} given which document is open
 */
export function installStore({ currentDocumentId }) {
  documentId = currentDocumentId;
  ofDocument.addEventListener("click", () => clear("document", () => clearDocument(documentId())));
  ofAll.addEventListener("click", () => clear("all", clearAll));
  onLanguage(() => stats && showStats());
}

/** Show how full the store is, and which buttons can be pressed. */
export async function showStore() {
  ofDocument.disabled = documentId() === null;
  byId("clear-hint").hidden = !ofDocument.disabled;
  if (!stats) say(byId("store-stats"), "settings.store_loading");
  try {
    stats = await api.stats();
    showStats();
  } catch (error) {
    say(byId("store-stats"), ...errorWords(error));
  }
}

function showStats() {
  const { totalSize, maxSize, documentsCount, oldestDocument } = stats;
  const meter = byId("store-meter");
  Object.assign(meter, { max: maxSize, high: 0.9 * maxSize, optimum: 0, value: totalSize });
  const oldest = oldestDocument && new Date(oldestDocument).toLocaleDateString(language(), { dateStyle: "long" });
  const key = documentsCount === 0 ? "store_empty" : "store_stats";
  const values = { used: bytes(totalSize), max: bytes(maxSize), count: documentsCount, oldest };
  say(byId("store-stats"), `settings.${key}`, values);
}

async function clearDocument(id) {
  forgetJob(id);
  await api.deleteCache(id);
}

async function clearAll() {
  forgetAllJobs();
  await api.clearAll();
}

/** Ask, clear, and tell how much room that made. */
async function clear(what, run) {
  const answer = await ask({
    titleKey: `clear.${what}_title`,
    body: [say(el("p"), `clear.${what}_body`)],
    choices: [{ key: "clear.yes", value: "yes", kind: "danger" }, { key: "cancel", value: "no" }],
  });
  if (answer !== "yes") return;
  ofDocument.disabled = ofAll.disabled = true;
  said.classList.remove("wrong");
  say(said, "clear.running");
  try {
    const before = (await api.stats()).totalSize;
    await run();
    await showStore();
    const freed = Math.max(0, before - stats.totalSize);
    say(said, freed ? "clear.freed" : "clear.nothing", { size: bytes(freed) });
    document.dispatchEvent(new Event("cache-cleared"));
  } catch (error) {
    say(said, ...errorWords(error)).classList.add("wrong");
  } finally {
    ofAll.disabled = false;
    ofDocument.disabled = documentId() === null;
    said.scrollIntoView({ block: "nearest" });
  }
}
