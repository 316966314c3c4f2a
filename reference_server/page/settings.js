/** The settings: how speech is made, what is highlighted, and what the store holds. */

import { api } from "./api.js";
import { byId, el } from "./dom.js";
import { errorWords, onLanguage, say, sentence, unsay } from "./i18n.js";
import { preferences } from "./preferences.js";
import { session } from "./session.js";
import { installStore, showStore } from "./store.js";
import { changeVoicing } from "./voicing.js";

const MODELS = ["tts-1", "tts-1-hd", "gpt-4o-mini-tts"];

const dialog = byId("settings");
const voice = byId("set-voice");
const speed = byId("set-speed");
const model = byId("set-model");
const highlight = byId("set-highlight");
const voiceHint = byId("set-voice-hint");
let config = null;
let voices = [];
let voicesError = null;
let shownSpeed = "";

/**
 * Let the settings open, and take effect as they are changed.
 * @param {{currentDocumentId: () => string|null}} given which document is open
 */
export function installSettings({ currentDocumentId }) {
  byId("settings-button").addEventListener("click", open);
  byId("settings-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => isBeside(event) && dialog.close());
  byId("set-voice-again").addEventListener("click", learnVoices);
  voice.addEventListener("change", () => change({ voice: voice.value }));
  model.addEventListener("change", () => change({ model: model.value.trim() }));
  // each press of its arrows is a change: what is meant is known when they are left
  speed.addEventListener("blur", changeSpeed);
  speed.addEventListener("keydown", (event) => event.key === "Enter" && changeSpeed());
  highlight.addEventListener("change", () => preferences.set({ highlight: highlight.checked }));
  preferences.subscribe(show);
  installStore({ currentDocumentId });
  show();

  function open() {
    unsay(byId("settings-said"));
    show();
    dialog.showModal();
    learnConfig();
    learnVoices();
    showStore();
  }
}

/** Whether a press is on what is dimmed behind the dialog, and not within its border. */
function isBeside({ target, clientX, clientY }) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return target === dialog && (clientX < left || clientX > right || clientY < top || clientY > bottom);
}

async function learnConfig() {
  config ??= await api.config().catch(() => null);
  show();
}

async function learnVoices() {
  voicesError = null;
  say(voiceHint, "settings.voices_loading");
  try {
    voices = await api.voices();
  } catch (error) {
    voicesError = error;
  }
  showVoices();
  showVoiceHint();
}

/** Return how it is spoken: the open document is read as it was opened, whatever another tab has chosen since. */
function spoken() {
  const chosen = preferences.get();
  if (!session.book) return chosen;
  const { speed: itsSpeed } = session.voicing;
  const own = (name) => session.voicing[name] === session.config?.[name] && session.voicing[name] !== chosen[name];
  const shown = (name) => (own(name) ? "" : session.voicing[name]);
  return { voice: shown("voice"), model: shown("model"), speed: itsSpeed };
}

function show() {
  const now = spoken();
  showVoices();
  if (document.activeElement !== speed) showSpeed(now.speed);
  if (document.activeElement !== model) model.value = now.model;
  highlight.checked = preferences.get().highlight;
  const known = config?.model ? ["settings.model_hint_value", { value: config.model }] : ["settings.model_hint"];
  say(byId("set-model-hint"), ...known);
  const models = new Set([...(config?.model ? [config.model] : []), ...MODELS]);
  byId("set-models").replaceChildren(...[...models].map((value) => el("option", { value })));
}

/** The stored voice is always among the choices, whatever the server lists. */
function showVoices() {
  const chosen = spoken().voice;
  const own = config?.voice ? ["settings.default", { value: config.voice }] : ["settings.default_unknown"];
  const all = chosen && !voices.includes(chosen) ? [chosen, ...voices] : voices;
  if (voice.dataset.listed !== JSON.stringify([own, all])) { // else a list that is open would close
    const options = all.map((value) => el("option", { value }, value));
    voice.replaceChildren(say(el("option", { value: "" }), ...own), ...options);
    voice.dataset.listed = JSON.stringify([own, all]);
  }
  voice.value = chosen;
}

function showVoiceHint() {
  byId("set-voice-again").hidden = !voicesError;
  if (voicesError) say(voiceHint, "settings.voices_failed", { why: sentence(...errorWords(voicesError)) });
  else unsay(voiceHint);
}

function showSpeed(value) {
  speed.value = shownSpeed = String(value);
  speed.removeAttribute("aria-invalid");
  say(byId("set-speed-hint"), "settings.speed_hint").classList.remove("wrong");
}

function changeSpeed() {
  if (speed.value === shownSpeed) return;
  shownSpeed = speed.value; // a question takes the focus, too
  const value = Number(speed.value);
  if (value >= 0.25 && value <= 4) {
    change({ speed: value });
    return;
  }
  speed.setAttribute("aria-invalid", "true");
  say(byId("set-speed-hint"), "settings.speed_wrong").classList.add("wrong");
}

/** What would make stored audio stale is asked first; a control whose change is not wanted goes back. */
async function change(patch) {
  const said = byId("settings-said");
  unsay(said);
  const [[name, value]] = Object.entries(patch);
  try {
    if (spoken()[name] !== value) await changeVoicing(patch);
  } catch (error) {
    say(said, ...errorWords(error)).classList.add("wrong");
  }
  const now = spoken();
  showVoices();
  showSpeed(now.speed);
  model.value = now.model;
}
