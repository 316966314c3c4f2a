/** Elements made without markup: what a document or its name holds can never become a tag. */

/**
 * Return the element with this id, which index.html has.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found;
}

/**
 * Make an element. An attribute that is a function becomes a listener (`onclick`), true an attribute
 * without value; false, null and undefined leave it out.
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

/**
 * Fill a list of choices; one that is wanted but not offered is added, so that a setting is never lost.
 * @param {HTMLElement} select a `<select>`
 * @param {string[]} values
 * @param {string} chosen
 */
export function fillChoices(select, values, chosen) {
  const all = chosen && !values.includes(chosen) ? [chosen, ...values] : values;
  select.replaceChildren(...all.map((value) => el("option", { value, selected: value === chosen }, value)));
}
