/** Jobs that make chunks ahead: begun here, followed by the server's events, begun again after a restart. */

import { api } from "./api.js";
import { live } from "./events.js";
import { errorWords } from "./i18n.js";
import { notify } from "./notices.js";
import { jobsAsked } from "./places.js";

/**
 * Have chunks made; a failure is told, with a way on.
 * @param {object} body of the route
 * @param {{anew?: boolean}} [how] `anew` ends a job that makes the document with other settings
 */
export async function startJob(body, { anew = false } = {}) {
  const { documentId } = body;
  try {
    if (anew) await api.cancel(documentId);
    const job = await api.preprocess(body);
    jobsAsked.set(documentId, body);
    return job;
  } catch (error) {
    notify(...errorWords(error), { kind: "error", action: { key: "retry", run: () => startJob(body, { anew }) } });
    return null;
  }
}

/** End a document's job, and forget that it was wanted. */
export async function cancelJob(documentId) {
  jobsAsked.set(documentId, null);
  try {
    await api.cancel(documentId);
  } catch (error) {
    notify(...errorWords(error), { kind: "error", action: { key: "retry", run: () => cancelJob(documentId) } });
  }
}

/** Forget that a document's chunks were wanted: they are being removed. */
export const forgetJob = (documentId) => jobsAsked.set(documentId, null);

/** Forget it of all documents. */
export const forgetAllJobs = () => jobsAsked.clear();

/**
 * Follow the jobs of the document that is open.
 *
 * @param {{documentId: () => string|null, onJob: (job: object|null) => void, onStored: () => void, onLost: () => void,
 *   onUnfinished: (body: object) => void}} given `onStored` is called when what is stored has changed with no job that runs,
 *   `onLost` while nothing can be known, `onUnfinished` when a document is opened that was being made, and is no more
 */
export function followJobs({ documentId, onJob, onStored, onLost, onUnfinished }) {
  let last = { id: null, running: false, stored: null, lost: false };
  live.subscribe((state) => {
    const id = documentId();
    if (state === null) {
      last.lost = true;
      if (id !== null) onLost();
    }
    if (state === null || id === null || state.storedBytes === null) return;
    const isFirst = id !== last.id;
    if (isFirst) last = { id, running: false, stored: state.storedBytes, lost: false };
    const running = state.job?.state === "running";
    const ended = last.running && !running;
    const asked = jobsAsked.get(id);
    if (asked && !state.job && last.lost && last.running) resume(asked);
    else if (asked && !state.job && isFirst) onUnfinished(asked);
    else if (isOver(state.job) || (ended && !last.lost)) forgetJob(id);
    onJob(state.job);
    if (ended || (!running && state.storedBytes !== last.stored)) onStored();
    const isBrokenOff = last.running && state.job?.code === "BROKEN_OFF"; // as a server does that ends
    last = { id, running: running || isBrokenOff, stored: state.storedBytes, lost: false };
  });
}

/** A server that was restarted has forgotten its jobs; what they made is kept. */
async function resume(body) {
  if (await startJob(body)) notify("pregenerate.resumed", {}, { kind: "info" });
}

/** Whether a job came to an end of its own: one that was broken off goes on when it is asked for again. */
const isOver = (job) => job && job.state !== "running" && job.code !== "BROKEN_OFF";
