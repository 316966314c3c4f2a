/**
 * What the server tells each second: its memory, and the job of the document that is open.
 *
 * One stream a tab: a browser has six connections to a server for all its tabs. So it is closed while the tab is
 * hidden, unless a job runs, which a server that restarts would forget.
 */

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;
const SILENT_MS = 5000; // a server that tells nothing for so long hangs

const listeners = new Set();
let source = null;
let documentId = null;
let retryMs = FIRST_RETRY_MS;
let timer = 0;
let jobRuns = false;

const address = () => (documentId === null ? "/api/events" : `/api/events?${new URLSearchParams({ documentId })}`);

function open() {
  close();
  if (document.hidden && !jobRuns) return;
  const mine = (source = new EventSource(address()));
  source.onmessage = (event) => {
    retryMs = FIRST_RETRY_MS;
    expectMore();
    tell(JSON.parse(event.data));
    if (document.hidden && !jobRuns) close();
  };
  source.onerror = () => lose(mine.readyState === EventSource.CLOSED);
  expectMore();
}

function close() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

function expectMore() {
  clearTimeout(timer);
  timer = setTimeout(() => lose(false), SILENT_MS);
}

/** A stream that the server refused, for too many watch already, is asked for as a single answer instead. */
function lose(wasRefused) {
  close();
  if (wasRefused) askOnce(documentId);
  else tell(null);
  timer = setTimeout(open, wasRefused ? LONGEST_RETRY_MS : retryMs);
  retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
}

async function askOnce(id) {
  let state = null;
  try {
    const answer = await fetch(address(), { signal: AbortSignal.timeout(SILENT_MS) });
    if (answer.ok) state = await answer.json();
  } catch {
    // it stays null: the server cannot be reached
  }
  if (id === documentId) tell(state);
}

function tell(state) {
  if (state) jobRuns = state.job?.state === "running";
  for (const listener of listeners) listener(state);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !source) open();
  else if (document.hidden && !jobRuns) close();
});
window.addEventListener("pagehide", close);
window.addEventListener("pageshow", (event) => event.persisted && open());

export const live = {
  /** Follow the memory, and a document's job where one is named. */
  watch(id) {
    if (source && id === documentId) return;
    documentId = id;
    jobRuns = false;
    open();
  },
  /** @param {(state: object|null) => void} listener called each second; null where the server cannot be reached */
  subscribe: (listener) => listeners.add(listener),
};
