/** Short messages above the player: what went wrong stays until it is dismissed, what went well leaves by itself. */

import { byId, el } from "./dom.js";
import { icon } from "./icon.js";
import { label, say, t } from "./i18n.js";

const INFO_MS = 8000;
const MOST = 4;

const notices = byId("notices");
const home = notices.nextElementSibling;
const dialogs = []; // those that are open, the newest last

/**
 * Tell a person something, in the language of the moment and of those to come.
 * @param {string} key
 * @param {Record<string, unknown>} [values]
 * @param {{kind?: "info"|"error", action?: {key: string, run: () => void}}} [how] an action's button closes the notice
 * @returns {() => void} closes it
 */
export function notify(key, values = {}, { kind = "info", action } = {}) {
  settle();
  const region = notices.querySelector(kind === "error" ? ".errors" : ".infos");
  const said = t(key, values);
  for (const same of document.querySelectorAll(".notice")) {
    if (same.firstElementChild.textContent === said) remove(same); // said again: once is enough
  }
  const close = () => remove(notice);
  const ways = el("span", { class: "ways" });
  if (action) ways.append(say(el("button", { type: "button", class: "act", onclick: () => (close(), action.run()) }), action.key));
  ways.append(label(el("button", { type: "button", class: "quiet square dismiss", onclick: close }, icon("close")), "page.dismiss"));
  const notice = el("div", { class: "notice", "data-kind": kind }, say(el("span"), key, values), ways);
  region.append(notice);
  while (region.childElementCount > MOST) region.firstElementChild.remove();
  if (kind === "info" && !action) leaveLater(notice);
  return close;
}

function remove(notice) {
  const heading = notice.closest("dialog")?.querySelector("h2");
  if (notice.contains(document.activeElement)) (heading ?? byId("main")).focus({ preventScroll: true });
  notice.remove();
}

/** All but a modal dialog is dimmed, deaf and mute: while one is open, notices stand at its foot. */
function settle() {
  const dialog = dialogs.at(-1);
  if (dialog && notices.parentElement !== dialog) dialog.append(notices);
  else if (!dialog && notices.nextElementSibling !== home) home.before(notices);
}

function followDialog({ target }) {
  if (target.open === dialogs.includes(target)) return;
  if (target.open) dialogs.push(target);
  else dialogs.splice(dialogs.indexOf(target), 1);
  // what was told before a dialog stays behind it; the empty region is there before it has to speak
  if (!target.open || !notices.querySelector(".notice")) settle();
}

/** Nothing leaves while it is looked at, or hidden behind a dialog. */
function leaveLater(notice) {
  setTimeout(() => {
    if (!notice.isConnected) return;
    const isBehind = dialogs.length && !notice.closest("dialog");
    if (notice.matches(":hover, :focus-within") || isBehind) leaveLater(notice);
    else remove(notice);
  }, INFO_MS);
}

const watching = new MutationObserver((changes) => changes.forEach(followDialog));
for (const dialog of document.querySelectorAll("dialog")) watching.observe(dialog, { attributeFilter: ["open"] });

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  const newest = [...document.querySelectorAll(".notice")].at(-1);
  if (newest) remove(newest);
});
