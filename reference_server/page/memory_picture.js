/** The last two minutes of memory as a picture: what is held against the line, the server in it, line and limit. */

import { el } from "./dom.js";
import { svg } from "./icon.js";
import { say } from "./i18n.js";

/** How far back the picture goes. */
export const SPAN_S = 120;

const HEIGHT = 100;
const APART = 14; // so much of the height lies between two names at least
const HALF_A_NAME = 6;
const GAP_S = 4; // the server tells each second: what is further apart was not seen

/** What was told, of which only the last two minutes are kept. */
export class History {
  samples = [];

  /**
   * @param {{usedBytes: number, serverBytes: number}} memory what is held against the line, and the server's own
   * @param {number} atS seconds on a clock that never goes back
   */
  add({ usedBytes, serverBytes }, atS) {
    this.samples.push({ atS, usedBytes, serverBytes });
    while (this.samples[0].atS < atS - SPAN_S) this.samples.shift();
  }

  /** Return the least and the most that was used. */
  get range() {
    const used = this.samples.map(({ usedBytes }) => usedBytes);
    return { least: Math.min(...used), most: Math.max(...used) };
  }
}

/** A picture in a node, drawn again with `draw`. */
export class MemoryPicture {
  #svg = svg("svg", { viewBox: `0 0 ${SPAN_S} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  #area = svg("path", { class: "vm-area" });
  #vm = svg("path", { class: "vm" });
  #server = svg("path", { class: "server" });
  #line = svg("line", { class: "line", x1: 0, x2: SPAN_S });
  #limit = svg("line", { class: "limit", x1: 0, x2: SPAN_S });
  #names = { line: el("span", { class: "mark of-line" }), limit: el("span", { class: "mark of-limit" }) };

  /** @param {HTMLElement} node @param {{named?: boolean}} [how] whether line and limit carry their names */
  constructor(node, { named = false } = {}) {
    this.#svg.append(this.#area, this.#server, this.#vm, this.#line, this.#limit);
    node.append(this.#svg);
    if (named) node.append(this.#names.line, this.#names.limit);
  }

  /**
   * @param {History} history
   * @param {{line: number, limit: number|null, shown: (bytes: number) => unknown}} marks a limit of null is not drawn;
   *   `shown` writes a number of bytes
   */
  draw(history, { line, limit, shown }) {
    const top = topOf(history, line, limit);
    const y = (bytes) => HEIGHT - (HEIGHT * bytes) / top;
    const nowS = history.samples.at(-1)?.atS ?? 0;
    const pieces = unbroken(history.samples);
    const points = (piece, field) => piece.map((sample) => `${x(sample, nowS)} ${y(sample[field]).toFixed(2)}`).join("L");
    const path = (field) => pieces.map((piece) => `M${points(piece, field)}`).join("");
    const area = (piece) => `M${x(piece[0], nowS)} ${HEIGHT}L${points(piece, "usedBytes")}L${x(piece.at(-1), nowS)} ${HEIGHT}Z`;
    this.#vm.setAttribute("d", path("usedBytes"));
    this.#server.setAttribute("d", path("serverBytes"));
    this.#area.setAttribute("d", pieces.map(area).join(""));
    mark(this.#line, this.#names.line, y(line));
    say(this.#names.line, "meter.the_line", { line: shown(line) });
    this.#limit.toggleAttribute("hidden", limit === null);
    this.#names.limit.hidden = limit === null;
    if (limit === null) return;
    mark(this.#limit, this.#names.limit, y(limit), Math.min(y(limit), y(line) - APART));
    say(this.#names.limit, "meter.the_limit", { limit: shown(limit) });
  }
}

const x = ({ atS }, nowS) => (SPAN_S - (nowS - atS)).toFixed(1);

/** Return how many bytes the picture's upper edge stands for. */
function topOf({ samples }, line, limit) {
  return 1.12 * Math.max(line, limit ?? 0, ...samples.map(({ usedBytes }) => usedBytes));
}

function unbroken(samples) {
  const pieces = [];
  for (const sample of samples) {
    const piece = pieces.at(-1);
    if (piece && sample.atS - piece.at(-1).atS < GAP_S) piece.push(sample);
    else pieces.push([sample]);
  }
  return pieces;
}

/** Draw a line at a height, with its name beside it. */
function mark(line, name, height, nameHeight = height) {
  line.setAttribute("y1", height.toFixed(2));
  line.setAttribute("y2", height.toFixed(2));
  name.style.setProperty("top", `${Math.max(HALF_A_NAME, nameHeight).toFixed(2)}%`);
}
