/** Files on their way to the server: dropped or picked, sent one after the other, each with its progress. */

import { api } from "./api.js";
import { byId, el } from "./dom.js";
import { icon } from "./icon.js";
import { bytes, errorWords, label, say, sentence } from "./i18n.js";
import { notify } from "./notices.js";

const list = byId("uploads");
const drop = byId("drop");
const queue = [];
const toLibrary = { key: "reader.to_library", run: () => (location.hash = "#/") };
let sending = false;
let maxBytes = null;
let endNotice = () => {};

/**
 * Let the drop zone and the picker take files; a drop anywhere else on the page is taken too, for the browser
 * would leave the page for the file.
 * @param {(document: object) => void} onAdded called with each document that the server has taken
 */
export function installUploads(onAdded) {
  const picker = byId("file-input");
  picker.addEventListener("change", () => {
    for (const file of picker.files) enqueue(file, onAdded);
    picker.value = ""; // so that the same file can be picked again
  });
  const withFiles = (run) => (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    run(event);
  };
  document.addEventListener("dragover", withFiles(() => drop.classList.add("over-it")));
  document.addEventListener("dragleave", withFiles((event) => event.relatedTarget ?? drop.classList.remove("over-it")));
  document.addEventListener("drop", withFiles((event) => {
    drop.classList.remove("over-it");
    for (const { file, isFolder } of dropped(event.dataTransfer)) enqueue(file, onAdded, isFolder && "upload.folder");
  }));
  say(byId("drop-hint"), "library.drop_hint");
}

/** Ask the server once how large a document may be, so that no file is sent in vain. */
export async function learnLimit() {
  maxBytes ??= (await api.config()).maxDocumentBytes;
  say(byId("drop-hint"), "library.drop_hint_max", { max: bytes(maxBytes) });
}

function dropped(transfer) {
  return [...transfer.items]
    .filter(({ kind }) => kind === "file")
    .map((item) => ({ file: item.getAsFile(), isFolder: item.webkitGetAsEntry?.()?.isDirectory }))
    .filter(({ file }) => file);
}

/** Put a file into the queue, and its line onto the page; one that cannot be taken is told at once. */
function enqueue(file, onAdded, wrongKey) {
  const row = {
    file,
    onAdded,
    cancelled: new AbortController(),
    said: el("p", { class: "said soft" }),
    ways: el("span", { class: "ways" }),
    progress: label(el("progress", { max: 1, value: 0 }), "upload.progress", { name: file.name }),
  };
  row.line = el("li", {}, el("span", { class: "name", dir: "auto" }, file.name), row.ways, row.said);
  list.append(row.line);
  if (wrongKey) fail(row, wrongKey);
  else if (file.size === 0) fail(row, "upload.empty");
  else wait(row);
}

function wait(row) {
  row.line.dataset.state = "waiting";
  row.progress.value = 0;
  row.said.before(row.progress);
  row.said.removeAttribute("role");
  row.said.classList.remove("wrong");
  say(row.said, "upload.waiting");
  const cancel = el("button", { type: "button", class: "cancel", onclick: () => stop(row) });
  label(say(cancel, "cancel"), "upload.cancel", { name: row.file.name });
  keepFocus(row, cancel);
  queue.push(row);
  if (isElsewhere()) tellSending(row);
  work();
}

/** Whether a document is read: the lines of the library are not seen then. */
const isElsewhere = () => byId("library").hidden;

function tellSending({ file }) {
  endNotice();
  const count = queue.length + Number(sending);
  endNotice = notify("upload.elsewhere", { count, name: file.name }, { action: toLibrary });
}

function stop(row) {
  row.cancelled.abort();
  if (queue.includes(row)) queue.splice(queue.indexOf(row), 1);
  leave(row);
  notify("upload.cancelled", { name: row.file.name });
}

async function work() {
  if (sending) return;
  sending = true;
  await learnLimit().catch(() => {}); // then the server says what is too large
  for (let row = queue.shift(); row; row = queue.shift()) await send(row);
  sending = false;
  endNotice();
}

async function send(row) {
  const { file, cancelled, line, said, progress, onAdded } = row;
  if (maxBytes !== null && file.size > maxBytes) return tooLarge(row);
  line.dataset.state = "sending";
  const onProgress = (share) => {
    progress.value = share;
    if (share < 1) say(said, "upload.sending", { percent: Math.floor(100 * share), size: bytes(file.size) });
    else {
      line.dataset.state = "reading";
      progress.removeAttribute("value"); // how long it takes to read is not known
      say(said, "upload.reading");
    }
  };
  onProgress(0);
  try {
    const document = await api.upload(file, onProgress, cancelled.signal);
    leave(row);
    const open = { key: "upload.open", run: () => (location.hash = `#/read/${encodeURIComponent(document.id)}`) };
    notify("upload.added", { name: file.name }, { action: open });
    onAdded(document);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.code === "TOO_LARGE" && maxBytes !== null) tooLarge(row);
    else fail(row, ...errorWords(error));
  }
}

const tooLarge = (row) => fail(row, "upload.too_large", { size: bytes(row.file.size), max: bytes(maxBytes) });

/** Say what is wrong, and offer to send again, or to forget it. */
function fail(row, key, values = {}) {
  row.line.dataset.state = "failed";
  row.progress.remove();
  row.said.setAttribute("role", "alert");
  row.said.classList.add("wrong");
  say(row.said, key, values);
  const again = say(el("button", { type: "button", class: "again", onclick: () => wait(row) }), "retry");
  const remove = label(el("button", { type: "button", class: "quiet square dismiss", onclick: () => leave(row) }, icon("close")), "upload.remove");
  if (isElsewhere()) tellFailure(row, key, values);
  const isHopeless = key.startsWith("upload.") || key === "error.NOT_A_DOCUMENT" || key === "error.NO_TEXT";
  keepFocus(row, ...(isHopeless ? [remove] : [again, remove]));
}

const tellFailure = ({ file }, key, values) =>
  notify("upload.failed_elsewhere", { name: file.name, why: sentence(key, values) }, { kind: "error", action: toLibrary });

/** Put other buttons in a line's, and the focus on the first where it was on one of the old. */
function keepFocus({ ways }, ...buttons) {
  const had = ways.contains(document.activeElement);
  ways.replaceChildren(...buttons);
  if (had) buttons[0].focus();
}

function leave({ line }) {
  if (line.contains(document.activeElement)) byId("file-input").focus();
  line.remove();
}
