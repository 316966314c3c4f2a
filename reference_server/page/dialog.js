/** Questions that a person answers before anything else happens. */

import { byId, el } from "./dom.js";
import { say } from "./i18n.js";

let last = Promise.resolve();

/**
 * Ask in a modal dialog, after those that are open already are answered; the focus then returns to where it was.
 * @param {{titleKey: string, titleValues?: Record<string, unknown>, body?: Node[],
 *   choices: {key: string, value: unknown, kind?: "primary"|"danger"|""}[]}} question
 * @returns {Promise<unknown>} the value of the choice; null on Escape
 */
export function ask(question) {
  const asked = last.then(() => show(question));
  last = asked.catch(() => {});
  return asked;
}

function show({ titleKey, titleValues = {}, body = [], choices }) {
  const dialog = byId("ask");
  let answer = null;
  const choose = (value) => {
    answer = value;
    dialog.close();
  };
  const buttons = choices.map(({ key, value, kind = "" }) =>
    say(el("button", { type: "button", class: kind, "data-value": value, onclick: () => choose(value) }), key),
  );
  say(byId("ask-title"), titleKey, titleValues);
  byId("ask-body").replaceChildren(...body);
  byId("ask-choices").replaceChildren(...buttons);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(answer), { once: true });
    dialog.showModal();
    focusOf(dialog, buttons)?.focus();
  });
}

/** What is asked in the body comes first; else the answer that does no harm. */
function focusOf(dialog, buttons) {
  const inBody = dialog.querySelector("#ask-body :is(input:checked, select, input:not([type=radio]))");
  const harmless = buttons.find((button) => !button.classList.contains("danger"));
  return inBody ?? buttons.find((button) => button.classList.contains("primary")) ?? harmless ?? buttons[0];
}
