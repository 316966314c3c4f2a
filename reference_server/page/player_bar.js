/** The bar at the foot: play and pause, the blocks before and after, speed, voice; and the keys. */

import { api } from "./api.js";
import { byId, el, fillChoices } from "./dom.js";
import { errorWords, label, onLanguage, say } from "./i18n.js";
import { notify } from "./notices.js";
import { preferences } from "./preferences.js";
import { turn } from "./reader.js";
import { session } from "./session.js";
import { changeVoicing } from "./voicing.js";

const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4];
const { player } = session;
const play = byId("play");
const rate = byId("rate");
const voice = byId("voice");
let closeFailure = () => {};

/** Let the bar steer the player, and show what it does. */
export function installPlayerBar() {
  play.addEventListener("click", () => player.toggle());
  byId("previous").addEventListener("click", () => player.step(-1));
  byId("next").addEventListener("click", () => player.step(1));
  for (const name of ["state", "place", "heard"]) player.addEventListener(name, show);
  player.addEventListener("state", tellFailure);
  player.addEventListener("refused", () => notify("player.press_again"));
  player.addEventListener("end", () => notify("player.end", {}, { kind: "info" }));
  rate.addEventListener("change", () => preferences.set({ rate: Number(rate.value) }));
  preferences.subscribe(({ rate: wanted }) => (player.setRate(wanted), showRates()));
  onLanguage(showRates);
  showRates();
  voice.addEventListener("change", changeVoice);
  session.addEventListener("open", fillVoices);
  session.addEventListener("close", () => (voice.disabled = true));
  session.addEventListener("status", showVoice);
  document.addEventListener("keydown", pressed);
  voice.disabled = true;
  show();
}

function show() {
  const isOn = player.state === "playing" || player.state === "loading";
  play.dataset.state = player.state;
  play.classList.toggle("loading", player.state === "loading");
  label(play, isOn ? "player.pause" : "player.play");
  play.disabled = player.state === "idle";
  const { place } = player;
  byId("previous").disabled = byId("next").disabled = !place;
  const values = place && { page: place.page, block: place.blockIndex + 1, blocks: session.book?.pages[place.page - 1].blocks };
  say(byId("spoken-at"), place ? "player.at" : "nothing", values ?? {});
}

/** What failed is told as long as it has failed. */
function tellFailure() {
  closeFailure();
  if (player.state !== "failed") return;
  const isGone = player.error.code === "NO_DOCUMENT";
  const run = isGone ? () => (location.hash = "#/") : () => player.play();
  const action = { key: isGone ? "reader.to_library" : "retry", run };
  closeFailure = notify(...errorWords(player.error), { kind: "error", action });
}

function showRates() {
  const written = (value) => `${value.toLocaleString(document.documentElement.lang)}×`;
  const chosen = preferences.get().rate;
  const all = RATES.includes(chosen) ? RATES : [...RATES, chosen].sort((a, b) => a - b);
  rate.replaceChildren(...all.map((value) => el("option", { value, selected: value === chosen }, written(value))));
}

function showVoice() {
  if (voice.value === session.voicing?.voice) return;
  fillChoices(voice, [...voice.options].map(({ value }) => value), session.voicing.voice);
}

async function fillVoices() {
  voice.disabled = false;
  fillChoices(voice, [], session.voicing.voice);
  try {
    fillChoices(voice, await api.voices(), session.voicing.voice);
  } catch {
    // the voice that is chosen stays, and reading tells what is wrong
  }
}

async function changeVoice() {
  try {
    await changeVoicing({ voice: voice.value });
  } catch (error) {
    notify(...errorWords(error), { kind: "error" });
  }
  if (session.book) showVoice();
}

/** Space plays and pauses, arrows go from block to block, with Shift from page to page. */
function pressed(event) {
  if (!session.book || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.closest("input, select, textarea, dialog, [role=dialog], progress")) return;
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step) event.shiftKey ? turn(step) : player.step(step);
  else if (event.key === " " && !event.target.closest("button, a, summary, label")) event.repeat || player.toggle();
  else return;
  event.preventDefault();
}
