/** The page's text: its blocks, the one that is spoken, and in it the word. */

import { byId, el } from "./dom.js";
import { errorWords, label, say, unsay } from "./i18n.js";
import { notify } from "./notices.js";
import { places } from "./places.js";
import { session } from "./session.js";

const { player } = session;
const text = byId("text");
const number = byId("page-number");
let shownPage = null;
let spoken = null;
let shownWord = null;
let frame = 0;

/** Let the reader follow the session and its player. */
export function installReader() {
  session.addEventListener("open", opened);
  session.addEventListener("close", closed);
  for (const name of ["open", "status"]) session.addEventListener(name, showMode);
  player.addEventListener("place", () => showPlace());
  player.addEventListener("heard", showFallback);
  player.addEventListener("state", followWords);
  byId("page-back").addEventListener("click", () => turn(-1));
  byId("page-forward").addEventListener("click", () => turn(1));
  number.addEventListener("change", () => goTo(Math.round(Number(number.value)) || shownPage, 1));
  text.addEventListener("click", (event) => pressed(event.target.closest?.(".block")));
  text.addEventListener("keydown", (event) => event.key === "Enter" && pressed(event.target.closest(".block")));
}

/** Go one page forward or back; reading goes along. */
export const turn = (by) => shownPage !== null && goTo(shownPage + by, by);

function opened() {
  byId("title").textContent = session.book.name;
  document.title = session.book.name;
  say(byId("page-count"), "reader.of", { pages: session.book.pageCount });
  number.max = String(session.book.pageCount);
  if (!player.place) text.replaceChildren(say(el("p", { class: "hint" }), "reader.no_text"));
}

function closed() {
  shownPage = spoken = null;
  text.replaceChildren();
  byId("fallback").hidden = true;
}

function goTo(page, step) {
  const { book } = session;
  const wanted = Math.min(Math.max(page, 1), book.pageCount);
  const found = book.pageWithText(wanted, step) ?? book.pageWithText(wanted, -step);
  number.value = String(shownPage);
  if (found !== null && found !== shownPage) player.jump({ page: found, blockIndex: 0 });
}

function pressed(block) {
  if (!block || String(getSelection())) return; // whoever selects text wants to copy it
  player.jump({ page: Number(block.dataset.page), blockIndex: Number(block.dataset.block) }, { play: true });
}

async function showPlace() {
  const { place } = player;
  const { book } = session;
  if (!place || !book) return;
  places.set(book.id, place);
  try {
    if (place.page !== shownPage) await showPage(book, place.page);
  } catch (error) {
    notify(...errorWords(error), { kind: "error", action: { key: "retry", run: showPlace } });
    return;
  }
  if (book === session.book && player.place?.page === shownPage) showSpoken(player.place.blockIndex);
}

async function showPage(book, page) {
  text.setAttribute("aria-busy", "true");
  const blocks = await book.blocks(page);
  text.removeAttribute("aria-busy");
  if (book !== session.book || player.place?.page !== page) return;
  shownPage = page;
  spoken = null;
  number.value = String(page);
  byId("page-back").disabled = book.pageWithText(page - 1, -1) === null;
  byId("page-forward").disabled = book.pageWithText(page + 1, 1) === null;
  text.replaceChildren(
    ...blocks.map(({ text: words, blockIndex }) =>
      el("p", { class: "block", "data-page": page, "data-block": blockIndex, tabindex: -1 }, words),
    ),
  );
  text.scrollTop = 0;
}

function showSpoken(blockIndex) {
  const block = text.querySelector(`[data-block="${blockIndex}"]`);
  if (block === spoken) return;
  clearWord();
  if (spoken) {
    spoken.classList.remove("spoken");
    spoken.removeAttribute("aria-current");
    spoken.tabIndex = -1;
  }
  spoken = block;
  if (!spoken) return;
  spoken.classList.add("spoken");
  spoken.setAttribute("aria-current", "true");
  spoken.tabIndex = 0;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  spoken.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
}

function showMode() {
  const badge = byId("mode");
  badge.dataset.mode = session.mode;
  say(badge, `mode.${session.mode}`);
  label(badge, `mode.${session.mode}_why`);
  showFallback();
}

/** A block that has no chunk is read live in cached mode, and that is said while it sounds. */
function showFallback() {
  const line = byId("fallback");
  const isFallback = session.mode === "cached" && player.heard?.source === "live";
  line.hidden = !isFallback;
  if (isFallback) say(line, "reader.fallback");
  else unsay(line);
}

function followWords() {
  cancelAnimationFrame(frame);
  if (player.state === "playing") frame = requestAnimationFrame(showWord);
}

function showWord() {
  frame = requestAnimationFrame(showWord);
  const { words, heardS } = player;
  const word = words.findLast(({ startSec }) => startSec <= heardS) ?? null;
  if (word === shownWord || !spoken) return;
  clearWord();
  if (!word) return;
  shownWord = word;
  const whole = spoken.textContent;
  const said = el("mark", { class: "word" }, whole.slice(word.charStart, word.charEnd));
  spoken.replaceChildren(whole.slice(0, word.charStart), said, whole.slice(word.charEnd));
}

function clearWord() {
  shownWord = null;
  if (spoken?.firstElementChild) spoken.textContent = spoken.textContent; // one text again
}
