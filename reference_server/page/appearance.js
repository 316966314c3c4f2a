/** Language and theme: the browser's own until a person chooses, then the choice, in all tabs. */

import { byId } from "./dom.js";
import { browsersLanguage, label, language, onLanguage, setLanguage, t } from "./i18n.js";
import { preferences } from "./preferences.js";

const root = document.documentElement;
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

const systemTheme = () => (systemIsDark.matches ? "dark" : "light");
const theme = () => preferences.get().theme || systemTheme();
const wantedLanguage = () => preferences.get().language || browsersLanguage();

/** Translate the page, colour it, and let the switches of its top work. */
export function installAppearance() {
  const button = byId("language");
  const other = () => (language() === "en" ? "fr" : "en");
  onLanguage(() => {
    button.lang = other();
    button.querySelector(".long").textContent = t("language.other");
    button.querySelector(".short").textContent = t("language.other_short");
    label(button, "language.other");
  });
  button.addEventListener("click", () => preferences.set({ language: other() }));
  byId("theme").addEventListener("click", () => {
    const wanted = theme() === "dark" ? "light" : "dark";
    preferences.set({ theme: wanted === systemTheme() ? "" : wanted }); // as the system: follow it again
  });
  byId("skip").addEventListener("click", skip);
  systemIsDark.addEventListener("change", showTheme);
  preferences.subscribe(() => {
    showTheme();
    if (wantedLanguage() !== language()) setLanguage(wantedLanguage());
  });
  showTheme();
  setLanguage(wantedLanguage());
  measure("top", "--top-height");
  measure("reader-bar", "--reader-bar-height");
  measure("player", "--player-height");
}

function showTheme() {
  const { theme: chosen } = preferences.get();
  if (chosen) root.dataset.theme = chosen;
  else delete root.dataset.theme;
  byId("theme").setAttribute("aria-pressed", String(theme() === "dark"));
}

/** The page's address tells what is shown, so that a link within the page is followed by hand. */
function skip(event) {
  event.preventDefault();
  byId("main").focus();
  byId("main").scrollIntoView();
}

/** What sticks to the edges hides no text that is scrolled to: the style sheet is told its height. */
function measure(id, property) {
  const node = byId(id);
  new ResizeObserver(() => root.style.setProperty(property, `${node.offsetHeight}px`)).observe(node);
}
