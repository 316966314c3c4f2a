/** The last two minutes of memory as a picture: what the VM and the server used, the line, and the limit. */

import { el } from "./dom.js";
import { svg } from "./icon.js";
import { say } from "./i18n.js";

/** How far back the picture goes. */
export const SPAN_S = 120;

const HEIGHT = 100;
const GAP_S = 4; // the server tells each second: what is further apart was not seen
const FAR = 4; // a limit of so many lines, far above what is used, would press the curve flat

/** What was told, of which only the last two minutes are kept. */
export class History {
  samples = [];

  /** @param {{vmBytes: number, serverBytes: number}} memory @param {number} atS seconds on a clock that never goes back */
  add({ vmBytes, serverBytes }, atS) {
    this.samples.push({ atS, vmBytes, serverBytes });
    while (this.samples[0].atS < atS - SPAN_S) this.samples.shift();
  }

  /** Return the least and the most that the VM used. */
  get range() {
    const used = this.samples.map(({ vmBytes }) => vmBytes);
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
   * @param {{line: number, limit: number|null, shown: (bytes: number) => unknown}} marks `shown` writes a number of bytes
   */
  draw(history, { line, limit, shown }) {
    const top = topOf(history, line, limit);
    const y = (bytes) => HEIGHT - (HEIGHT * bytes) / top;
    const nowS = history.samples.at(-1)?.atS ?? 0;
    const pieces = unbroken(history.samples);
    const points = (piece, field) => piece.map((sample) => `${x(sample, nowS)} ${y(sample[field]).toFixed(2)}`).join("L");
    const path = (field) => pieces.map((piece) => `M${points(piece, field)}`).join("");
    const area = (piece) => `M${x(piece[0], nowS)} ${HEIGHT}L${points(piece, "vmBytes")}L${x(piece.at(-1), nowS)} ${HEIGHT}Z`;
    this.#vm.setAttribute("d", path("vmBytes"));
    this.#server.setAttribute("d", path("serverBytes"));
    this.#area.setAttribute("d", pieces.map(area).join(""));
    mark(this.#line, this.#names.line, y(line));
    say(this.#names.line, "meter.the_line", { line: shown(line) });
    this.#limit.toggleAttribute("hidden", limit === null || limit > top);
    this.#names.limit.hidden = limit === null;
    if (limit === null) return;
    mark(this.#limit, this.#names.limit, Math.max(0, y(limit)));
    say(this.#names.limit, limit > top ? "meter.the_limit_above" : "meter.the_limit", { limit: shown(limit) });
  }
}

const x = ({ atS }, nowS) => (SPAN_S - (nowS - atS)).toFixed(1);

/** Return how many bytes the picture's upper edge stands for. */
function topOf({ samples }, line, limit) {
  const used = Math.max(line, ...samples.map(({ vmBytes, serverBytes }) => Math.max(vmBytes, serverBytes)));
  const isFar = limit === null || (limit > FAR * line && limit > 2 * used);
  return isFar ? used * 1.4 : Math.max(limit, used) * 1.12;
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

/** Draw a line at a height, with its name below it. */
function mark(line, name, height) {
  line.setAttribute("y1", height.toFixed(2));
  line.setAttribute("y2", height.toFixed(2));
  name.style.setProperty("top", `${height.toFixed(2)}%`);
}
