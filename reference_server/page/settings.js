/** The settings: how speech is made, what is highlighted, and what the store holds. */

import { api } from "./api.js";
import { byId, el } from "./dom.js";
import { errorText, errorWords, onLanguage, say, unsay } from "./i18n.js";
import { preferences } from "./preferences.js";
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
  speed.addEventListener("change", changeSpeed);
  highlight.addEventListener("change", () => preferences.set({ highlight: highlight.checked }));
  preferences.subscribe(show);
  onLanguage(() => (showVoices(), showVoiceHint()));
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

function show() {
  const { speed: chosenSpeed, model: chosenModel, highlight: isOn } = preferences.get();
  showVoices();
  if (document.activeElement !== speed) showSpeed(chosenSpeed);
  if (document.activeElement !== model) model.value = chosenModel;
  highlight.checked = isOn;
  const known = config?.model ? ["settings.model_hint_value", { value: config.model }] : ["settings.model_hint"];
  say(byId("set-model-hint"), ...known);
  const models = new Set([...(config?.model ? [config.model] : []), ...MODELS]);
  byId("set-models").replaceChildren(...[...models].map((value) => el("option", { value })));
}

/** The stored voice is always among the choices, whatever the server lists. */
function showVoices() {
  const chosen = preferences.get().voice;
  const own = config?.voice ? ["settings.default", { value: config.voice }] : ["settings.default_unknown"];
  const all = chosen && !voices.includes(chosen) ? [chosen, ...voices] : voices;
  const options = all.map((value) => el("option", { value }, value));
  voice.replaceChildren(say(el("option", { value: "" }), ...own), ...options);
  voice.value = chosen;
}

function showVoiceHint() {
  byId("set-voice-again").hidden = !voicesError;
  if (voicesError) say(voiceHint, "settings.voices_failed", { why: errorText(voicesError) });
  else unsay(voiceHint);
}

function showSpeed(value) {
  speed.value = String(value);
  speed.removeAttribute("aria-invalid");
  say(byId("set-speed-hint"), "settings.speed_hint").classList.remove("wrong");
}

function changeSpeed() {
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
  try {
    await changeVoicing(patch);
  } catch (error) {
    say(said, ...errorWords(error)).classList.add("wrong");
  }
  const chosen = preferences.get();
  showVoices();
  showSpeed(chosen.speed);
  model.value = chosen.model;
}
