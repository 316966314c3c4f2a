/** The button *Pre-generate*: its states, its dialog with estimate and choice, its progress. */

import { api } from "./api.js";
import { ask } from "./dialog.js";
import { byId, el } from "./dom.js";
import { bytes, errorWords, label, say, seconds, unsay } from "./i18n.js";
import { cancelJob, followJobs, forgetJob, startJob } from "./jobs.js";
import { notify } from "./notices.js";
import { session } from "./session.js";
import { offerRegeneration } from "./voicing.js";

const REFRESH_MS = 5000;

const button = el("button", { id: "pregenerate", type: "button", "data-state": "none", hidden: true, onclick: press });
const progress = el("progress", { id: "pregenerate-progress", max: 1, value: 0, hidden: true });
const text = el("span", { id: "pregenerate-text" });
const said = el("span", { class: "visually-hidden", role: "status" });
const cancel = el("button", { id: "cancel", type: "button", hidden: true, onclick: () => cancelJob(session.book.id) });
let job = null;
let refreshedMs = 0;
let quarter = null;

/** Put the button into its place, and let it follow the document that is open. */
export function installPregenerate() {
  label(progress, "pregenerate.progress");
  say(cancel, "cancel");
  byId("pregenerate-area").append(button, progress, text, cancel, said);
  session.addEventListener("status", show);
  session.addEventListener("close", () => {
    job = quarter = null;
    button.hidden = progress.hidden = cancel.hidden = true;
    for (const node of [text, said]) unsay(node);
  });
  followJobs({ documentId: () => session.book?.id ?? null, onJob, onStored: refresh, onLost, onUnfinished });
}

const refresh = () => session.refresh().catch(() => {}); // the stream says already that the server is gone

function onJob(now) {
  job = now;
  const isDue = performance.now() - refreshedMs > REFRESH_MS;
  if (job?.state === "running" && session.mode === "live" && job.done > 0 && isDue) {
    refreshedMs = performance.now();
    refresh();
  }
  show();
}

function onLost() {
  if (job?.state === "running") say(text, "pregenerate.lost", { done: job.pagesDone, total: job.pagesTotal });
}

/** A document that was being made when it was last seen: whether it goes on is for a person to say. */
function onUnfinished(body) {
  if (session.status?.state === "complete") return forgetJob(body.documentId);
  const run = () => begin(body);
  notify("pregenerate.unfinished", {}, { kind: "info", action: { key: "pregenerate.go_on", run } });
}

async function begin(body) {
  const begun = await startJob(body);
  if (begun && session.book?.id === body.documentId) {
    onJob(begun);
    refresh();
  }
}

function stateOf() {
  const { status } = session;
  if (job?.state === "running") return "running";
  if (status.state === "complete") return "done";
  if (status.stale?.settings.length) return "stale";
  if (job?.state === "failed") return "failed";
  return status.done > 0 ? "partial" : "none";
}

function show() {
  const { status, book } = session;
  if (!status) return;
  const state = stateOf();
  const isRunning = state === "running";
  button.dataset.state = state;
  say(button, `pregenerate.${state}`);
  const hadFocus = [button, cancel].includes(document.activeElement);
  button.hidden = isRunning;
  progress.hidden = cancel.hidden = !isRunning;
  if (hadFocus) (isRunning ? cancel : button).focus();
  announce(isRunning);
  if (isRunning) {
    progress.value = job.total ? job.done / job.total : 0;
    say(text, job.failed ? "pregenerate.count_failed" : "pregenerate.pages", {
      count: job.failed, done: job.pagesDone, total: job.pagesTotal,
    });
  } else if (state === "failed") {
    text.replaceChildren(...failure());
  } else if (state === "partial") {
    say(text, "pregenerate.some", { count: status.pages.length, total: book.pageCount });
  } else unsay(text);
}

/** A screen reader hears the begin, each quarter and the end, and not every block. */
function announce(isRunning) {
  const now = isRunning ? Math.floor((4 * job.done) / (job.total || 1)) : null;
  if (now === quarter) return;
  if (now !== null) say(said, "pregenerate.quarter", { percent: 25 * now });
  else say(said, `pregenerate.ended_${stateOf() === "done" ? "done" : "other"}`);
  quarter = now;
}

/** Why a job failed, in a person's words, and the way on. */
function failure() {
  unsay(text);
  if (job.code === "BROKEN_OFF") return [say(el("span"), "pregenerate.broken_off")];
  const why = say(el("span"), ...errorWords(job));
  if (!job.failed || job.code === "DISK_FULL") return [why];
  return [say(el("span"), "pregenerate.failed_blocks", { count: job.failed }), " ", why];
}

async function press() {
  const { state } = button.dataset;
  try {
    if (state === "done") await offerRemoval();
    else if (state === "stale") await offerRegeneration();
    else await offerMaking();
  } catch (error) {
    notify(...errorWords(error), { kind: "error", action: { key: "retry", run: press } });
  }
}

async function offerMaking() {
  const { book, voicing, player } = session;
  const chosen = choices(book, player.place?.page ?? 1, voicing);
  const answer = await ask({
    titleKey: "pregenerate.title",
    body: [chosen.fieldset, chosen.told],
    choices: [
      { key: "pregenerate.start", value: "start", kind: "primary" },
      { key: "cancel", value: "cancel", kind: "" },
    ],
  });
  if (answer === "start" && session.book === book) await begin({ ...chosen.body(), ...voicing });
}

async function offerRemoval() {
  const { book } = session;
  const answer = await ask({
    titleKey: "pregenerate.done",
    body: [say(el("p"), "pregenerate.all_there")],
    choices: [
      { key: "pregenerate.keep", value: "keep", kind: "primary" },
      { key: "pregenerate.remove", value: "remove", kind: "danger" },
    ],
  });
  if (answer !== "remove") return;
  forgetJob(book.id);
  await api.deleteCache(book.id);
  await session.refresh();
}

/** The choice of pages, each with what it would take. */
function choices(book, page, voicing) {
  const bodies = {
    all: { documentId: book.id, pages: "all" },
    page: { documentId: book.id, pages: [page] },
    next: { documentId: book.id, pages: "current+next", page },
  };
  const told = el("div", { class: "estimate", role: "status" });
  const estimate = async (name) => {
    const line = say(el("p"), "pregenerate.estimating");
    told.replaceChildren(line);
    try {
      const found = await api.estimate({ ...bodies[name], ...voicing });
      if (told.contains(line)) told.replaceChildren(...estimated(found));
    } catch (error) {
      say(line, ...errorWords(error));
    }
  };
  const hasNext = book.pageWithText(page + 1) !== null;
  const offered = book.pageCount === 1 ? ["all"] : ["all", "page", ...(hasNext ? ["next"] : [])];
  const options = offered.map((name) => {
    const radio = { type: "radio", name: "pages", value: name, checked: name === "all", onchange: () => estimate(name) };
    const words = say(el("span"), `pregenerate.choice_${name}`, { count: book.pageCount, page });
    return el("label", {}, el("input", radio), " ", words);
  });
  const fieldset = el("fieldset", {}, say(el("legend"), "pregenerate.what"), ...options);
  estimate("all");
  return { fieldset, told, body: () => bodies[fieldset.querySelector(":checked").value] };
}

function estimated({ missing, blocks, bytes: size, seconds: takes, basis, storeBytes, storeMaxBytes }) {
  if (missing === 0) return [say(el("p"), "pregenerate.nothing_missing")];
  const lines = [
    say(el("p"), "pregenerate.estimate", { count: missing, bytes: bytes(size), seconds: seconds(takes), blocks }),
    say(el("p", { class: "hint" }), `pregenerate.basis_${basis}`),
    say(el("p", { class: "hint" }), "pregenerate.store", { used: bytes(storeBytes), most: bytes(storeMaxBytes) }),
  ];
  if (storeBytes + size > storeMaxBytes) lines.push(say(el("p", { class: "warning" }), "pregenerate.too_much"));
  return lines;
}
