/**
 * Two languages, changed while the page is open: each text remembers its key.
 *
 * A words file has for each key a pair, English and French. Either may be a text, or variants by the plural rules of its
 * language: `{one: "{count} page", other: "{count} pages"}`. The number that decides is the value named `count`, or the
 * one that the variants name (`by: "total"`), else the first number among the values. French has 0 as `one`.
 */

import { words as common } from "./words_common.js";
import { words as library } from "./words_library.js";
import { words as reader } from "./words_reader.js";

const LANGUAGES = ["en", "fr"];
const PLURALS = Object.fromEntries(LANGUAGES.map((code) => [code, new Intl.PluralRules(code)]));
const words = { ...common, ...library, ...reader };
const texts = new WeakMap();
const labels = new WeakMap();
const listeners = new Set();
let current = "en";

/** A number of bytes, written in the language of the moment. */
export const bytes = (count) => ({ bytes: count });

/** A number of seconds, written in the language of the moment. */
export const seconds = (count) => ({ seconds: count });

/** A sentence of the page as a value in another, in the language of the moment. */
export const sentence = (key, values = {}) => ({ key, values });

/** Return the language of the moment, `en` or `fr`. */
export const language = () => current;

/** Return the browser's language where it is one of ours, else English. */
export function browsersLanguage() {
  const wanted = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.find((tag) => LANGUAGES.includes(tag)) ?? "en";
}

/**
 * Change the language of the whole page.
 * @param {string} code `en` or `fr`
 */
export function setLanguage(code) {
  current = code;
  document.documentElement.lang = code;
  translate(document.documentElement);
  for (const listener of listeners) listener(code);
}

/** Call a function after each change of language, for what is written by no key. */
export function onLanguage(listener) {
  listeners.add(listener);
}

/**
 * Return a text in the language of the moment.
 * @param {string} key of a words file
 * @param {Record<string, unknown>} [values] of its {placeholders}
 */
export function t(key, values = {}) {
  return filled(key, values, isolated);
}

/** Whether a key has words. */
export const hasWords = (key) => key in words;

/** Set the text of an element, now and at each change of language. */
export function say(node, key, values = {}) {
  texts.set(node, [key, values]);
  node.dataset.t = key;
  write(node);
  return node;
}

/** Set the label of an element that has no text, now and at each change of language. */
export function label(node, key, values = {}) {
  labels.set(node, [key, values]);
  node.dataset.tLabel = key;
  writeLabel(node);
  return node;
}

/** Forget that an element had a text, and empty it. */
export function unsay(node) {
  texts.delete(node);
  delete node.dataset.t;
  node.textContent = "";
}

/**
 * Return a sentence for an error: what it is, and the way on.
 * @param {{code?: string, message?: string}} error
 * @param {Record<string, unknown>} [values]
 */
export function errorText(error, values = {}) {
  const [key, all] = errorWords(error, values);
  return t(key, all);
}

/** Return the key and the values of an error's sentence, for `say` and `notify`. */
export function errorWords(error, values = {}) {
  const key = `error.${error.code}`;
  const all = { message: error.message ?? "", status: error.status ?? "", ...values };
  return [hasWords(key) ? key : "error.OTHER", all];
}

function translate(root) {
  for (const node of root.querySelectorAll("[data-t]")) write(node);
  for (const node of root.querySelectorAll("[data-t-label]")) writeLabel(node);
}

function write(node) {
  const [key, values] = texts.get(node) ?? [node.dataset.t, {}];
  const text = t(key, values);
  if (node.textContent !== text) node.textContent = text; // a live region speaks at each change
}

function writeLabel(node) {
  const [key, values] = labels.get(node) ?? [node.dataset.tLabel, {}];
  node.setAttribute("aria-label", filled(key, values, (text) => text)); // which is heard, not seen
  if (node.tagName === "BUTTON") node.title = t(key, values);
}

function filled(key, values, written) {
  const pair = words[key];
  if (!pair) throw new Error(`no words for ${key}`);
  const text = variantOf(pair[LANGUAGES.indexOf(current)], values);
  return text.replace(/\{(\w+)\}/g, (_, name) => shown(values[name], written));
}

/** A text of others stands in a sentence for itself: neither its direction nor its marks of direction turn the rest. */
const isolated = (text) => text && `\u2068${text.replace(/[\u2066-\u2069]/g, "")}\u2069`;

function variantOf(text, values) {
  if (typeof text === "string") return text;
  const count = values[text.by ?? "count"] ?? Object.values(values).find((value) => typeof value === "number");
  return text[PLURALS[current].select(count)] ?? text.other;
}

function shown(value, written) {
  if (value == null) return "";
  if (typeof value === "number") return value.toLocaleString(current);
  if (typeof value !== "object") return written(String(value));
  if ("key" in value) return filled(value.key, value.values, written);
  return "bytes" in value ? shownBytes(value.bytes) : shownSeconds(value.seconds);
}

function shownBytes(count) {
  const scale = count < 1e3 ? ["byte", 1] : count < 1e6 ? ["kilobyte", 1e3] : count < 1e9 ? ["megabyte", 1e6] : ["gigabyte", 1e9];
  const digits = count / scale[1] < 10 && count >= 1e6 ? 1 : 0;
  const unitDisplay = scale[1] === 1 ? "long" : "short"; // the short one says “107 byte”
  const options = { style: "unit", unit: scale[0], unitDisplay, maximumFractionDigits: digits };
  return (count / scale[1]).toLocaleString(current, options);
}

function shownSeconds(count) {
  const scale = count < 90 ? ["second", 1] : count < 5400 ? ["minute", 60] : ["hour", 3600];
  const options = { style: "unit", unit: scale[0], unitDisplay: "long", maximumFractionDigits: scale[1] === 3600 ? 1 : 0 };
  return Math.max(1, count / scale[1]).toLocaleString(current, options);
}
