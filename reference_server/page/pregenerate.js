/** The button *Pre-generate*: its states, its dialog with estimate and choice, its progress. */

import { api } from "./api.js";
import { ask } from "./dialog.js";
import { byId, el } from "./dom.js";
import { bytes, errorWords, label, say, seconds, unsay } from "./i18n.js";
import { cancelJob, followJobs, startJob } from "./jobs.js";
import { session } from "./session.js";
import { offerRegeneration } from "./voicing.js";

const REFRESH_MS = 5000;

const button = el("button", { id: "pregenerate", type: "button", "data-state": "none", hidden: true, onclick: press });
const progress = el("progress", { id: "pregenerate-progress", max: 1, value: 0, hidden: true });
const text = el("span", { id: "pregenerate-text", role: "status" });
const cancel = el("button", { id: "cancel", type: "button", hidden: true, onclick: () => cancelJob(session.book.id) });
let job = null;
let refreshedMs = 0;

/** Put the button into its place, and let it follow the document that is open. */
export function installPregenerate() {
  label(progress, "pregenerate.progress");
  say(cancel, "cancel");
  byId("pregenerate-area").append(button, progress, text, cancel);
  for (const name of ["open", "status"]) session.addEventListener(name, show);
  session.addEventListener("close", () => {
    job = null;
    button.hidden = progress.hidden = cancel.hidden = true;
    unsay(text);
  });
  followJobs({ documentId: () => session.book?.id ?? null, onJob, onStored: refresh, onLost });
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

function stateOf() {
  const { status } = session;
  if (job?.state === "running") return "running";
  if (status.state === "complete") return "done";
  if (job?.state === "failed") return "failed";
  if (status.stale?.settings.length) return "stale";
  return status.done > 0 ? "partial" : "none";
}

function show() {
  if (!session.book) return;
  const { status, book } = session;
  const state = stateOf();
  button.dataset.state = state;
  say(button, `pregenerate.${state}`);
  button.hidden = state === "running";
  progress.hidden = cancel.hidden = state !== "running";
  if (state === "running") {
    progress.value = job.total ? job.done / job.total : 0;
    say(text, job.failed ? "pregenerate.count_failed" : "pregenerate.count", {
      done: job.pagesDone, total: job.pagesTotal, failed: job.failed,
    });
  } else if (state === "failed") {
    say(text, ...failure());
  } else {
    say(text, state === "partial" ? "pregenerate.some" : "nothing", { done: status.pages.length, total: book.pageCount });
  }
}

/** Why a job failed, in a person's words. */
function failure() {
  if (job.code === "BROKEN_OFF") return ["pregenerate.broken_off"];
  if (job.code === "DISK_FULL") return ["error.DISK_FULL"];
  return ["pregenerate.failed_blocks", { failed: job.failed, why: job.message ?? "" }];
}

async function press() {
  if (button.dataset.state === "done") return;
  if (button.dataset.state === "stale") return offerRegeneration();
  const { book, voicing, player } = session;
  const page = player.place?.page ?? 1;
  const chosen = choices(book, page, voicing);
  const answer = await ask({
    titleKey: "pregenerate.title",
    body: [chosen.fieldset, chosen.told],
    choices: [
      { key: "pregenerate.start", value: "start", kind: "primary" },
      { key: "cancel", value: "cancel", kind: "" },
    ],
  });
  if (answer === "start" && (await startJob({ ...chosen.body(), ...voicing }))) refresh();
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
  const options = Object.keys(bodies).map((name) => {
    const radio = { type: "radio", name: "pages", value: name, checked: name === "all", onchange: () => estimate(name) };
    const key = name === "all" && book.pageCount === 1 ? "all_one" : name;
    return el("label", {}, el("input", radio), " ", say(el("span"), `pregenerate.choice_${key}`, { page, pages: book.pageCount }));
  });
  const fieldset = el("fieldset", {}, say(el("legend"), "pregenerate.what"), ...options);
  estimate("all");
  return { fieldset, told, body: () => bodies[fieldset.querySelector(":checked").value] };
}

function estimated({ missing, blocks, bytes: size, seconds: takes, basis, storeBytes, storeMaxBytes }) {
  if (missing === 0) return [say(el("p"), "pregenerate.nothing_missing")];
  const lines = [
    say(el("p"), "pregenerate.estimate", { bytes: bytes(size), seconds: seconds(takes), missing, blocks }),
    say(el("p", { class: "hint" }), `pregenerate.basis_${basis}`),
    say(el("p", { class: "hint" }), "pregenerate.store", { used: bytes(storeBytes), most: bytes(storeMaxBytes) }),
  ];
  if (storeBytes + size > storeMaxBytes) lines.push(say(el("p", { class: "warning" }), "pregenerate.too_much"));
  return lines;
}
