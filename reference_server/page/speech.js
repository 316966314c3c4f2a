/**
 * The audio of blocks and the times of their words: from the chunks, or made live where there is none.
 *
 * As the reader behaves for which this server stands in: speech is tried three times, after 1 s, doubling, 5 s at
 * most; each block that arrives live asks for its words at once and once; a chunk that is missing or stale is read live.
 */

import { ApiError, api } from "./api.js";

const KEPT = 16;
const TRIES = 3;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 5000;
const NOT_MENDED_BY_LIVE = new Set(["NETWORK", "UNAUTHORIZED", "NO_DOCUMENT", "NO_PAGE"]);

/** What a block is heard from: `url` of its audio, `source` cached or live, `words` when their times are known. */
export class SpeechSource {
  #kept = new Map();
  #leaving = new AbortController();

  /** @param {{documentId: string, voicing: object, cached: boolean, wantsWords: () => boolean}} given */
  constructor({ documentId, voicing, cached, wantsWords }) {
    Object.assign(this, { documentId, voicing, cached, wantsWords });
  }

  /** Return a block's audio; asked for again it is the same, and what is in flight is shared. */
  get(block) {
    const key = `${block.page}/${block.blockIndex}/${block.textHash}`;
    const found = this.#kept.get(key) ?? this.#fetch(block);
    this.#kept.delete(key);
    this.#kept.set(key, found);
    found.catch(() => this.#kept.get(key) === found && this.#kept.delete(key));
    if (this.#kept.size > KEPT) this.#drop(this.#kept.keys().next().value);
    return found;
  }

  /** Break off what is in flight, and let go of all audio. */
  close() {
    this.#leaving.abort();
    for (const key of [...this.#kept.keys()]) this.#drop(key);
  }

  #drop(key) {
    const dropped = this.#kept.get(key);
    this.#kept.delete(key);
    dropped.then(({ url }) => URL.revokeObjectURL(url), () => {});
  }

  async #fetch(block) {
    const chunk = this.cached ? await this.#chunk(block) : null;
    const audio = chunk ?? (await this.#again(() => this.#speak(block)));
    this.#leaving.signal.throwIfAborted();
    const words = this.wantsWords() ? this.#words(block, audio, chunk !== null) : Promise.resolve([]);
    return { url: URL.createObjectURL(audio), source: chunk ? "cached" : "live", words };
  }

  async #chunk(block) {
    try {
      return await this.#again(() => api.chunk(this.documentId, block, this.voicing, this.#leaving.signal));
    } catch (error) {
      if (!(error instanceof ApiError) || NOT_MENDED_BY_LIVE.has(error.code)) throw error;
      return null;
    }
  }

  #speak(block) {
    return api.speak({ text: block.text, ...this.voicing }, this.#leaving.signal);
  }

  async #again(ask) {
    for (let tried = 1, waitMs = FIRST_WAIT_MS; ; tried += 1, waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      try {
        return await ask();
      } catch (error) {
        const mayPass = error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
        if (tried === TRIES || !mayPass) throw error;
        await this.#wait(waitMs);
      }
    }
  }

  #wait(waitMs) {
    return new Promise((resolve, reject) => {
      const { signal } = this.#leaving;
      const timer = setTimeout(resolve, waitMs);
      signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
    });
  }

  /** Words that cannot be timed are not highlighted: reading goes on without a word about it. */
  async #words(block, audio, isChunk) {
    try {
      if (!isChunk) return await api.align(block.text, audio);
      return await api.timings(this.documentId, block, this.voicing, this.#leaving.signal);
    } catch {
      return [];
    }
  }
}
