/**
 * What the server tells each second: its memory, and the job of the document that is open.
 *
 * One stream a tab, closed while the tab is hidden: a browser has six connections to a server for all tabs.
 */

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;

const listeners = new Set();
let source = null;
let documentId = null;
let retryMs = FIRST_RETRY_MS;
let timer = 0;

function open() {
  close();
  if (document.hidden) return;
  const query = documentId === null ? "" : `?${new URLSearchParams({ documentId })}`;
  source = new EventSource(`/api/events${query}`);
  source.onmessage = (event) => {
    retryMs = FIRST_RETRY_MS;
    tell(JSON.parse(event.data));
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

document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
window.addEventListener("pagehide", close);
window.addEventListener("pageshow", (event) => event.persisted && open());

export const live = {
  /** Follow the memory, and a document's job where one is named. */
  watch(id) {
    if (source && id === documentId) return;
    documentId = id;
    open();
  },
  /** @param {(state: object|null) => void} listener called each second; null where the server cannot be reached */
  subscribe: (listener) => listeners.add(listener),
};
