/** Reads a book aloud, block after block, with one `<audio>`. It knows no page: who follows it is told by events. */

/**
 * States: `idle` (nothing to read), `paused`, `loading` (wants to play, has no audio yet), `playing`, `failed`.
 * Events: `state`, `place` (another block), `heard` (a block begins to sound), `refused` (the browser wants a press
 * first), `end`.
 */
export class Player extends EventTarget {
  #audio;
  #book = null;
  #source = null;
  #passing = null;
  #turn = 0;
  #block = null;
  state = "idle";
  place = null;
  /** What sounds: `{url, source, words}` of the block in the audio element; null while it loads. */
  heard = null;
  words = [];
  error = null;
  rate = 1;

  constructor(audio) {
    super();
    this.#audio = audio;
    audio.addEventListener("ended", () => this.#ended());
    audio.addEventListener("error", () => this.heard && this.#broken());
    // the system pauses too: a headset that is pulled out, another program that speaks
    audio.addEventListener("pause", () => !audio.ended && this.state === "playing" && this.#become("paused"));
    audio.addEventListener("play", () => this.state === "paused" && this.play()); // a key of the system's
  }

  get isOn() {
    return this.state === "playing" || this.state === "loading";
  }

  /** Take a book, where to begin, and what its audio comes from; nothing plays yet. */
  open(book, place, source) {
    this.close();
    this.#book = book;
    this.#source = source;
    if (place) this.#move(place);
    this.#become(place ? "paused" : "idle");
  }

  /** Go on with other audio: another voice, or chunks where there were none. */
  use(source) {
    const { isOn } = this;
    this.#silence();
    this.#source?.close();
    this.#source = source;
    if (isOn) this.play();
    else if (this.state === "failed") this.#become("paused");
  }

  /** As `use`, but what sounds now sounds to its end. */
  useNext(source) {
    if (!this.heard) return this.use(source);
    if (this.#passing) this.#source.close();
    else this.#passing = this.#source; // what sounds is this one's audio
    this.#source = source;
  }

  /** End reading, and let go of all audio. */
  close() {
    this.#silence();
    this.#source?.close();
    this.#passing?.close();
    this.#book = this.#source = this.#passing = this.place = null;
    this.#become("idle");
  }

  toggle() {
    if (this.isOn) this.pause();
    else this.play();
  }

  pause() {
    this.#turn += 1; // what is being fetched shall not begin to sound
    this.#become("paused");
    this.#audio.pause();
  }

  async play() {
    if (!this.place) return;
    const turn = (this.#turn += 1);
    this.#become(this.heard ? "playing" : "loading");
    try {
      if (!this.heard) await this.#load(turn);
      if (turn !== this.#turn) return;
      this.#audio.playbackRate = this.rate;
      await this.#audio.play();
      if (turn === this.#turn) this.#become("playing");
    } catch (error) {
      if (turn !== this.#turn || error.name === "AbortError") return;
      if (error.name === "NotSupportedError" && this.heard) return; // told by the element's own error
      if (error.name !== "NotAllowedError") return this.#fail(error);
      this.#become("paused");
      this.dispatchEvent(new Event("refused"));
    }
  }

  setRate(rate) {
    this.rate = rate;
    this.#audio.playbackRate = rate;
  }

  /** Go to a block; it plays if the player was playing, or where `play` says so. */
  jump(place, { play = this.isOn } = {}) {
    this.#silence();
    this.#move(place);
    if (play) this.play();
    else this.#become("paused");
  }

  /** Go to the next block, or with -1 to the one before: return whether there is one. */
  step(by) {
    const place = this.place && this.#book.beside(this.place, by);
    if (place) this.jump(place);
    return Boolean(place);
  }

  /** The position in the audio that sounds, in seconds. */
  get heardS() {
    return this.#audio.currentTime;
  }

  /** Ask for the words of what sounds, where nobody wanted them when it came. */
  async askForWords() {
    const { heard } = this;
    const words = (await heard?.words()) ?? [];
    if (this.heard === heard) this.words = words;
  }

  async #load(turn) {
    const { page, blockIndex } = this.place;
    const blocks = await this.#book.blocks(page);
    if (turn !== this.#turn) return;
    const block = blocks[blockIndex];
    this.#source.only(block);
    const heard = await this.#source.get(block);
    if (turn !== this.#turn) return;
    this.#block = block;
    this.#passing?.close();
    this.#passing = null;
    this.heard = heard;
    this.words = [];
    if (this.#source.wantsWords()) this.askForWords();
    this.#audio.src = heard.url;
    this.#audio.defaultPlaybackRate = this.rate; // a new source starts with it
    this.dispatchEvent(new Event("heard"));
    this.#ahead(blocks, blockIndex + 1, page);
  }

  /** The next block is asked for ahead: exactly one, never across a page; of the next page, its text. */
  #ahead(blocks, next, page) {
    if (next < blocks.length) this.#source.get(blocks[next]).catch(() => {});
    else if (page < this.#book.pageCount) this.#book.blocks(page + 1).catch(() => {});
  }

  #ended() {
    const place = this.#book?.beside(this.place, 1);
    if (place) return this.jump(place, { play: true });
    this.#silence();
    this.#become("paused");
    this.dispatchEvent(new Event("end"));
  }

  #move(place) {
    this.place = place;
    this.dispatchEvent(new Event("place"));
  }

  #silence() {
    this.#turn += 1;
    this.heard = null;
    this.words = [];
    this.#audio.pause();
    this.#audio.removeAttribute("src");
    this.#audio.load(); // else a key of the system's would still play it
  }

  /** Audio that cannot be decoded is let go of; a chunk's block is then read live, once. */
  #broken() {
    const { heard, isOn } = this;
    const mayHelp = this.#source.refuse(this.#block, heard);
    if (!mayHelp) return this.#fail({ code: "AUDIO" });
    this.#silence();
    if (isOn) this.play();
  }

  #fail(error) {
    this.#silence();
    this.error = error;
    this.#become("failed");
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
