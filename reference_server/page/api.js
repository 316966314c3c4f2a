/** The server's routes, as functions. Every failure is an `ApiError` with the server's own code. */

/** A request that failed: `status` 0 and `code` NETWORK where the server could not be reached. */
export class ApiError extends Error {
  constructor(status, code, message, retryAfterS = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
  }
}

const unreachable = (error) => new ApiError(0, "NETWORK", String(error?.message ?? error));

async function ask(method, path, { query, body, signal, headers } = {}) {
  const given = query ? `?${new URLSearchParams(defined(query))}` : "";
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const types = body === undefined ? {} : { "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(path + given, { method, signal, headers: { ...types, ...headers }, ...sent });
  } catch (error) {
    throw error.name === "AbortError" ? error : unreachable(error);
  }
  if (answer.ok) return answer;
  throw errorOf(answer.status, await answer.text().catch(() => ""), answer.headers.get("Retry-After"));
}

function errorOf(status, text, retryAfter = null) {
  try {
    const { code, error, message } = JSON.parse(text);
    return new ApiError(status, code ?? error ?? "OTHER", message ?? text, Number(retryAfter) || null);
  } catch {
    return new ApiError(status, "OTHER", text.slice(0, 200) || `HTTP ${status}`);
  }
}

/** Read a whole answer; one that breaks off is a server that is gone. */
async function whole(answer, read) {
  try {
    return await read(answer);
  } catch (error) {
    throw error.name === "AbortError" ? error : unreachable(error);
  }
}

const json = async (...asked) => whole(await ask(...asked), (answer) => answer.json());
const blob = async (...asked) => whole(await ask(...asked), (answer) => answer.blob());
const defined = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null && value !== ""));
const at = (id) => `/api/documents/${encodeURIComponent(id)}`;
const place = (documentId, block, voicing) => ({
  documentId,
  page: block.page,
  blockIndex: block.blockIndex,
  textHash: block.textHash,
  ...voicing,
});

export const api = {
  config: () => json("GET", "/api/config"),
  documents: async () => (await json("GET", "/api/documents")).documents,
  document: (id) => json("GET", at(id)),
  deleteDocument: (id) => json("DELETE", at(id)),
  pages: async (id) => (await json("GET", `${at(id)}/pages`)).pages,
  blocks: async (id, page, signal) => {
    const answer = await json("GET", `${at(id)}/pages/${page}/blocks`, { signal });
    return answer.blocks.map((block) => ({ ...block, page }));
  },
  voices: async () => (await json("GET", "/api/tts/voices")).voices,
  status: (documentId, voicing, signal) =>
    json("GET", "/api/tts/preprocess/status", { query: { documentId, ...voicing }, signal }),
  estimate: (body) => json("POST", "/api/tts/preprocess/estimate", { body: defined(body) }),
  preprocess: (body) => json("POST", "/api/tts/preprocess", { body: defined(body) }),
  cancel: (documentId) => json("POST", "/api/tts/preprocess/cancel", { body: { documentId } }),
  deleteCache: (documentId) => json("DELETE", "/api/tts/preprocess", { query: { documentId } }),
  clearAll: () => json("POST", "/api/tts/preprocess/clear", { body: {} }),
  stats: () => json("GET", "/api/tts/preprocess/stats"),
  speak: (body, signal) => blob("POST", "/api/tts", { body, signal }),
  chunk: (documentId, block, voicing, signal) =>
    blob("GET", "/api/tts/chunk", { query: place(documentId, block, voicing), signal }),
  timings: async (documentId, block, voicing, signal) => {
    const query = place(documentId, block, voicing);
    return wordsOf(await json("GET", "/api/tts/timings", { query, signal }));
  },
  align: async (text, audio) => {
    const body = { text, audio: Array.from(new Uint8Array(await audio.arrayBuffer())) };
    return wordsOf(await json("POST", "/api/whisper", { body }));
  },
  upload,
};

const wordsOf = (answer) => answer.alignments[0]?.words ?? [];

/**
 * Send a file; only XMLHttpRequest tells how much of it is sent.
 * @param {File} file
 * @param {(share: number) => void} onProgress from 0 to 1
 * @param {AbortSignal} [signal]
 */
function upload(file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/documents?${new URLSearchParams({ name: file.name.slice(0, 200) })}`);
    request.setRequestHeader("Content-Type", /\.(md|markdown)$/i.test(file.name) ? "text/markdown" : "application/octet-stream");
    request.upload.onprogress = (event) => onProgress(event.lengthComputable ? event.loaded / event.total : 0);
    request.onload = () => {
      if (request.status >= 300) reject(errorOf(request.status, request.responseText));
      else resolve(JSON.parse(request.responseText));
    };
    request.onerror = () => reject(unreachable("the upload broke off"));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
