/** The document that is open: how it is voiced, what of it is stored, and whether it is read live or cached. */

import { api } from "./api.js";
import { Book } from "./book.js";
import { byId } from "./dom.js";
import { places } from "./places.js";
import { Player } from "./player.js";
import { preferences } from "./preferences.js";
import { SpeechSource } from "./speech.js";

/**
 * Events: `opening` a document, `open` when it can be read, `close`, `status` when its status or the mode was asked for
 * again, `gone` when it was deleted meanwhile.
 */
class Session extends EventTarget {
  player = new Player(byId("audio"));
  config = null;
  book = null;
  voicing = null;
  status = null;
  mode = "live";
  #opening = 0;

  /** Return the settings that a person has chosen, or would have with `patch`; the server's own where none is. */
  async wanted(patch = {}) {
    this.config ??= await api.config();
    const { voice, speed, model } = { ...preferences.get(), ...patch };
    return { voice: voice || this.config.voice, speed, model: model || this.config.model };
  }

  /**
   * Open a document where reading stopped; returns whether it is still the one that is wanted.
   *
   * It can be read before its status is known: until then each block is looked for among the chunks.
   */
  async open(id) {
    this.close();
    const opening = (this.#opening += 1);
    this.#tell("opening");
    const voicing = await this.wanted();
    const asked = api.status(id, voicing);
    asked.catch(() => {});
    const book = await Book.open(id);
    if (opening !== this.#opening) return false;
    Object.assign(this, { book, voicing, status: null, mode: "cached" });
    this.player.setRate(preferences.get().rate);
    this.player.open(book, book.nearest(places.get(id)), this.#source());
    this.#tell("open");
    const status = await asked;
    if (book !== this.book || voicing !== this.voicing) return book === this.book;
    this.#know(status);
    return true;
  }

  close() {
    this.#opening += 1;
    if (!this.book) return;
    this.player.close();
    this.book = this.status = this.voicing = null;
    this.#tell("close");
  }

  /** Ask again what is stored; where that changes the mode, reading goes on in the other one. */
  async refresh() {
    const { book, voicing } = this;
    if (!book) return;
    try {
      const status = await api.status(book.id, voicing);
      if (book === this.book && voicing === this.voicing) this.#know(status);
    } catch (error) {
      if (error.code === "NO_DOCUMENT" && book === this.book) this.#tell("gone");
      else throw error;
    }
  }

  /** Read with other settings from now on; `status` is what is stored of them. */
  apply(voicing, status) {
    Object.assign(this, { voicing, status, mode: modeOf(status) });
    this.player.use(this.#source());
    this.#tell("status");
  }

  /** What sounds goes on as it is; blocks to come are read in the mode that is right now. */
  #know(status) {
    this.status = status;
    if (modeOf(status) !== this.mode) {
      this.mode = modeOf(status);
      this.player.useNext(this.#source());
    }
    this.#tell("status");
  }

  #source() {
    const { voicing, mode } = this;
    const wantsWords = () => preferences.get().highlight;
    return new SpeechSource({ documentId: this.book.id, voicing, cached: mode === "cached", wantsWords });
  }

  #tell(name) {
    this.dispatchEvent(new Event(name));
  }
}

/** Cached as soon as any block is stored as wanted: the others are read live, one by one. */
const modeOf = (status) => (stored(status) > 0 ? "cached" : "live");

/** While a job runs `done` is the job's: then the pages tell what is stored. */
function stored(status) {
  if (status.state !== "running") return status.done;
  return status.pages.length + status.partialPages.length;
}

export const session = new Session();
