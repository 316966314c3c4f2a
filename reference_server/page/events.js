/**
 * What the server tells each second: its memory, and the job of the document that is open.
 *
 * One stream a tab: a browser has six connections to a server for all its tabs. So it is closed while the tab is
 * hidden, unless a job runs, which a server that restarts would forget.
 */

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;

const listeners = new Set();
let source = null;
let documentId = null;
let retryMs = FIRST_RETRY_MS;
let timer = 0;
let jobRuns = false;

function open() {
  close();
  if (document.hidden && !jobRuns) return;
  const query = documentId === null ? "" : `?${new URLSearchParams({ documentId })}`;
  source = new EventSource(`/api/events${query}`);
  source.onmessage = (event) => {
    retryMs = FIRST_RETRY_MS;
    const state = JSON.parse(event.data);
    jobRuns = state.job?.state === "running";
    tell(state);
    if (document.hidden && !jobRuns) close();
  };
  source.onerror = () => {
    tell(null);
    close(); // a refused stream is not opened again by the browser, so it is done here in either case
    timer = setTimeout(open, retryMs);
    retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
  };
}

function close() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

function tell(state) {
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
