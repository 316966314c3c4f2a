/** The page's text: its blocks, the one that is spoken, and in it the word. */

import { byId, el } from "./dom.js";
import { errorWords, label, say, unsay } from "./i18n.js";
import { notify } from "./notices.js";
import { places } from "./places.js";
import { preferences } from "./preferences.js";
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
  session.addEventListener("opening", opening);
  session.addEventListener("open", opened);
  session.addEventListener("close", closed);
  for (const name of ["open", "close", "status"]) session.addEventListener(name, showMode);
  for (const name of ["place", "heard"]) player.addEventListener(name, showPlace); // heard: where its text failed before
  player.addEventListener("heard", showFallback);
  preferences.subscribe(({ highlight }) => highlight && player.askForWords());
  player.addEventListener("state", followWords);
  byId("page-back").addEventListener("click", () => turn(-1));
  byId("page-forward").addEventListener("click", () => turn(1));
  number.addEventListener("change", () => goTo(Math.round(Number(number.value)) || player.place?.page, 1));
  text.addEventListener("click", (event) => pressed(event.target.closest?.(".block")));
  text.addEventListener("keydown", (event) => event.key === "Enter" && pressed(event.target.closest(".block")));
}

/** Go one page forward or back from where reading is, which may be ahead of what is shown; reading goes along. */
export const turn = (by) => player.place && goTo(player.place.page + by, by);

function opening() {
  say(byId("title"), "reader.opening");
  text.replaceChildren(say(el("p", { class: "hint" }), "reader.opening"));
  text.setAttribute("aria-busy", "true");
}

function opened() {
  unsay(byId("title"));
  byId("title").title = session.book.name;
  byId("title").textContent = session.book.name;
  document.title = session.book.name;
  say(byId("page-count"), "reader.of", { pages: session.book.pageCount });
  number.max = String(session.book.pageCount);
  if (player.place) return;
  text.removeAttribute("aria-busy");
  text.replaceChildren(say(el("p", { class: "hint" }), "reader.no_text"));
}

function closed() {
  shownPage = spoken = null;
  text.replaceChildren();
  for (const id of ["title", "page-count"]) unsay(byId(id));
}

function goTo(page, step) {
  const { book } = session;
  if (!book || !player.place) return;
  const wanted = Math.min(Math.max(page, 1), book.pageCount);
  const found = book.pageWithText(wanted, step) ?? book.pageWithText(wanted, -step);
  number.value = String(found ?? player.place.page);
  if (found !== null && found !== player.place.page) player.jump({ page: found, blockIndex: 0 });
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
  const blocks = await book.blocks(page).finally(() => text.removeAttribute("aria-busy"));
  if (book !== session.book || player.place?.page !== page) return;
  shownPage = page;
  spoken = null;
  number.value = String(page);
  byId("page-back").disabled = book.pageWithText(page - 1, -1) === null;
  byId("page-forward").disabled = book.pageWithText(page + 1, 1) === null;
  text.replaceChildren(
    ...blocks.map(({ text: words, blockIndex }) =>
      el("p", { class: "block", "data-page": page, "data-block": blockIndex, tabindex: -1, dir: "auto" }, words),
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
  badge.hidden = !session.status;
  if (badge.hidden) return showFallback();
  badge.dataset.mode = session.mode;
  say(badge, `mode.${session.mode}`);
  label(badge, `mode.${session.mode}_why`);
  showFallback();
}

/** A block that has no chunk is read live in cached mode, and that is said while it sounds. */
function showFallback() {
  const line = byId("fallback");
  const isFallback = session.status && session.mode === "cached" && player.heard?.source === "live";
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
  const { words, heardS, place } = player;
  const word = preferences.get().highlight ? (words.findLast(({ startSec }) => startSec <= heardS) ?? null) : null;
  if (word === shownWord || !spoken) return;
  clearWord();
  if (!word || Number(spoken.dataset.page) !== place.page || Number(spoken.dataset.block) !== place.blockIndex) return;
  shownWord = word;
  const whole = [...spoken.textContent]; // the server counts characters, and not halves of them
  const part = (from, to) => whole.slice(from, to).join("");
  const said = el("mark", { class: "word" }, part(word.charStart, word.charEnd));
  spoken.replaceChildren(part(0, word.charStart), said, part(word.charEnd));
}

function clearWord() {
  shownWord = null;
  if (spoken?.firstElementChild) spoken.textContent = spoken.textContent; // one text again
}
