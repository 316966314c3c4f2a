/** The library: which documents there are, what of each is pre-generated, and their removal. */

import { api } from "./api.js";
import { ask } from "./dialog.js";
import { byId, el } from "./dom.js";
import { live } from "./events.js";
import { bytes, errorWords, label, language, onLanguage, say } from "./i18n.js";
import { icon } from "./icon.js";
import { forgetJob } from "./jobs.js";
import { notify } from "./notices.js";
import { preferences } from "./preferences.js";
import { session } from "./session.js";
import { installUploads, learnLimit } from "./uploads.js";

const RUNNING_AGAIN_MS = 2000;

const list = byId("documents");
const note = byId("documents-note");
const lines = new Map();
let isOpen = false;
let round = 0;
let timer = 0;
let wasGone = false;
let voicing = "";

/** Show the library, as it is now. */
export function openLibrary() {
  byId("library").hidden = false;
  isOpen = true;
  if (!lines.size) showNote("library.loading");
  refresh();
}

/** Hide the library, and ask the server nothing more about it. Uploads go on. */
export function closeLibrary() {
  byId("library").hidden = true;
  isOpen = false;
  pause();
}

function pause() {
  round += 1;
  clearTimeout(timer);
}

/** Ask which documents there are, then of each in turn what is stored. */
async function refresh() {
  pause();
  const mine = round;
  learnLimit().catch(() => {}); // a file is then sent without knowing
  try {
    const documents = await api.documents();
    if (mine !== round) return;
    showList(documents);
  } catch (error) {
    if (mine === round) showFailure(error);
    return;
  }
  await refreshStates([...lines.values()], mine);
}

async function refreshStates(wanted, mine) {
  voicing = voicingOf(preferences.get());
  for (const line of wanted) {
    await showState(line).catch(() => tellState(line, "unknown"));
    if (mine !== round) return;
  }
  const running = [...lines.values()].filter(({ state }) => state.dataset.state === "running");
  if (running.length) timer = setTimeout(() => document.hidden || refreshStates(running, mine), RUNNING_AGAIN_MS);
}

/** What of a document is made as it would be read: an empty voice stands for the server's own, not for any. */
async function showState(line) {
  const { id, pages } = line.about;
  const status = await api.status(id, await session.wanted());
  const made = { done: status.pages.length, total: pages };
  if (status.state === "running") tellState(line, "running", { done: status.pagesDone ?? made.done, total: status.pagesTotal ?? pages });
  else if (status.state === "partial" && !status.pages.length) {
    tellState(line, "partial", { done: status.done, total: status.total }, "cache.partial_blocks");
  } else tellState(line, status.state, made);
}

function tellState({ state }, name, values = {}, key = `cache.${name}`) {
  state.dataset.state = name;
  say(state, key, values);
}

/** Lines that are there already stay, with the focus that may be on one. */
function showList(documents) {
  const newest = documents.toSorted((a, b) => b.uploadedAt.localeCompare(a.uploadedAt));
  const known = new Set(newest.map(({ id }) => id));
  for (const id of lines.keys()) if (!known.has(id)) takeOut(id);
  let before = null;
  for (const about of newest) {
    const line = lines.get(about.id);
    if (line?.about.sha256 !== about.sha256 || line.about.name !== about.name) {
      line?.node.remove();
      lines.set(about.id, lineOf(about));
    }
    const { node } = lines.get(about.id);
    const place = before ? before.nextElementSibling : list.firstElementChild;
    if (node !== place) list.insertBefore(node, place);
    before = node;
  }
  if (newest.length) note.hidden = true;
  else showNote("library.empty");
}

function lineOf(about) {
  const name = about.name ?? about.id;
  const open = el("a", { class: "open", href: `#/read/${encodeURIComponent(about.id)}` }, name);
  const facts = el(
    "p",
    { class: "about" },
    say(el("span"), `kind.${about.kind}`),
    say(el("span"), "library.pages", { count: about.pages }),
    say(el("span"), "library.size", { size: bytes(about.sizeBytes) }),
    el("span", { class: "added" }),
  );
  const state = say(el("p", { class: "cache-state", "data-state": "looking" }), "cache.looking");
  const remove = el("button", { type: "button", class: "delete quiet square", onclick: () => askToDelete(about) }, icon("delete"));
  label(remove, "delete.label", { name });
  const line = { about, state, open, added: facts.lastElementChild, node: el("li", { "data-id": about.id }, open, facts, state, remove) };
  showDate(line);
  return line;
}

/** Dates have no key of their own, so they are written anew in each language. */
function showDate({ about, added }) {
  const date = new Date(about.uploadedAt).toLocaleDateString(language(), { dateStyle: "medium" });
  say(added, "library.added_on", { date });
}

async function askToDelete({ id, name }) {
  const shownName = name ?? id;
  const answer = await ask({
    titleKey: "delete.title",
    body: [say(el("p"), "delete.body", { name: shownName })],
    choices: [{ key: "delete.yes", value: "yes", kind: "danger" }, { key: "delete.no", value: "no" }],
  });
  if (answer !== "yes") return;
  try {
    await api.deleteDocument(id);
  } catch (error) {
    if (error.code !== "NO_DOCUMENT") { // else another tab was faster
      notify(...errorWords(error), { kind: "error", action: { key: "retry", run: () => askToDelete({ id, name }) } });
      return;
    }
  }
  forgetJob(id);
  takeOut(id);
  notify("delete.done", { name: shownName });
  if (isOpen) refresh();
}

/** Remove a line; the focus goes to its neighbour. */
function takeOut(id) {
  const { node } = lines.get(id) ?? {};
  lines.delete(id);
  if (!node) return;
  const beside = node.nextElementSibling ?? node.previousElementSibling;
  const { activeElement } = document;
  const hadFocus = node.contains(activeElement) || activeElement === document.body;
  node.remove();
  if (hadFocus && isOpen) (beside?.querySelector(".open") ?? byId("file-input")).focus({ preventScroll: true });
}

function showNote(key, values = {}, ...ways) {
  note.replaceChildren(say(el("p", { role: "status" }), key, values), ...ways);
  note.hidden = false;
}

function showFailure(error) {
  const again = say(el("button", { type: "button", onclick: refresh }), "retry");
  showNote(...errorWords(error), again);
}

const voicingOf = ({ voice, speed, model }) => JSON.stringify([voice, speed, model]);
const refreshIfOpen = () => isOpen && refresh();

// The uploads work while a document is read, too: a file that is dropped shall never replace the page.
installUploads(refreshIfOpen);
onLanguage(() => lines.forEach(showDate));
preferences.subscribe((chosen) => voicingOf(chosen) !== voicing && refreshIfOpen());
document.addEventListener("visibilitychange", () => document.hidden || refreshIfOpen());
document.addEventListener("cache-cleared", refreshIfOpen);
live.subscribe((state) => {
  if (state && wasGone) refreshIfOpen(); // the server is there again
  wasGone = state === null;
});
