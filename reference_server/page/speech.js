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

const keyOf = (block) => `${block.page}/${block.blockIndex}/${block.textHash}`;

/** What a block is heard from: `url` of its audio, `source` cached or live, `words()` their times, asked for once. */
export class SpeechSource {
  #kept = new Map();
  #unplayable = new Set();

  /** @param {{documentId: string, voicing: object, cached: boolean, wantsWords: () => boolean}} given */
  constructor({ documentId, voicing, cached, wantsWords }) {
    Object.assign(this, { documentId, voicing, cached, wantsWords });
  }

  /** Return a block's audio; asked for again it is the same, and what is in flight is shared. */
  get(block) {
    const key = keyOf(block);
    const entry = this.#kept.get(key) ?? this.#begin(key, block);
    this.#kept.delete(key);
    this.#kept.set(key, entry);
    if (this.#kept.size > KEPT) this.#drop(this.#kept.keys().next().value);
    return entry.audio;
  }

  /** Break off the audio of all other blocks that is still on its way: they were passed over. */
  only(block) {
    for (const [key, { isThere }] of [...this.#kept]) if (!isThere && key !== keyOf(block)) this.#drop(key);
  }

  /** Let go of audio that cannot be played; returns whether asking again may bring other: live, where it was a chunk. */
  refuse(block, { source }) {
    const key = keyOf(block);
    this.#drop(key);
    if (source === "cached") this.#unplayable.add(key);
    return source === "cached";
  }

  /** Break off what is in flight, and let go of all audio. */
  close() {
    for (const key of [...this.#kept.keys()]) this.#drop(key);
  }

  #begin(key, block) {
    const leaving = new AbortController();
    const entry = { leaving, isThere: false, audio: this.#fetch(key, block, leaving.signal) };
    entry.audio.then(
      () => (entry.isThere = true),
      () => this.#kept.get(key) === entry && this.#kept.delete(key),
    );
    return entry;
  }

  #drop(key) {
    const entry = this.#kept.get(key);
    this.#kept.delete(key);
    entry?.leaving.abort();
    entry?.audio.then(({ url }) => URL.revokeObjectURL(url), () => {});
  }

  async #fetch(key, block, signal) {
    const chunk = this.cached && !this.#unplayable.has(key) ? await this.#chunk(block, signal) : null;
    const audio = chunk ?? (await again(() => api.speak({ text: block.text, ...this.voicing }, signal), signal));
    signal.throwIfAborted();
    let asked = null;
    const words = () => (asked ??= this.#words(block, audio, chunk !== null));
    if (this.wantsWords()) words();
    return { url: URL.createObjectURL(audio), source: chunk ? "cached" : "live", words };
  }

  async #chunk(block, signal) {
    try {
      return await again(() => api.chunk(this.documentId, block, this.voicing, signal), signal);
    } catch (error) {
      if (!(error instanceof ApiError) || NOT_MENDED_BY_LIVE.has(error.code)) throw error;
      return null;
    }
  }

  /** Words that cannot be timed are not highlighted: reading goes on without a word about it. */
  async #words(block, audio, isChunk) {
    try {
      if (!isChunk) return await api.align(block.text, audio);
      return await api.timings(this.documentId, block, this.voicing);
    } catch {
      return [];
    }
  }
}

async function again(ask, signal) {
  for (let tried = 1, waitMs = FIRST_WAIT_MS; ; tried += 1, waitMs *= 2) {
    try {
      return await ask();
    } catch (error) {
      const mayPass = error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
      if (tried === TRIES || !mayPass) throw error;
      await wait(Math.min(Math.max(waitMs, 1000 * (error.retryAfterS ?? 0)), LONGEST_WAIT_MS), signal);
    }
  }
}

function wait(waitMs, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, waitMs);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}
