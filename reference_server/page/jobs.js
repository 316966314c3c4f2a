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
 * @param {{documentId: () => string|null, onJob: (job: object|null) => void, onStored: () => void, onLost: () => void}} given
 *   `onStored` is called when what is stored has changed with no job that runs, `onLost` while nothing can be known
 */
export function followJobs({ documentId, onJob, onStored, onLost }) {
  let last = { id: null, running: false, stored: null, lost: true };
  live.subscribe((state) => {
    const id = documentId();
    if (state === null) {
      last.lost = true;
      if (id !== null) onLost();
    }
    if (state === null || id === null || state.storedBytes === undefined) return;
    if (id !== last.id) last = { id, running: false, stored: state.storedBytes, lost: true };
    const running = state.job?.state === "running";
    const ended = last.running && !running;
    if (last.lost && !state.job) resume(id);
    else if (ended || isOver(state.job)) forgetJob(id);
    onJob(state.job);
    if (ended || (!running && state.storedBytes !== last.stored)) onStored();
    last = { id, running, stored: state.storedBytes, lost: false };
  });
}

/** A server that was restarted has forgotten its jobs; what they made is kept. */
async function resume(documentId) {
  const body = jobsAsked.get(documentId);
  if (body && (await startJob(body))) notify("pregenerate.resumed", {}, { kind: "info" });
}

/** Whether a job came to an end of its own: one that was broken off goes on when it is asked for again. */
const isOver = (job) => job && job.state !== "running" && job.code !== "BROKEN_OFF";
