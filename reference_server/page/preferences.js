/** What a person has chosen, kept in the browser and the same in all its tabs. */

const KEY = "oomproof.preferences";
const DEFAULTS = { voice: "", speed: 1, model: "", highlight: true, rate: 1, language: "", theme: "" };
const listeners = new Set();
let current = read();

function read() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    const known = Object.keys(DEFAULTS).filter((name) => typeof stored[name] === typeof DEFAULTS[name]);
    return { ...DEFAULTS, ...Object.fromEntries(known.map((name) => [name, stored[name]])) };
  } catch {
    return { ...DEFAULTS }; // storage that is blocked or damaged is no reason not to read
  }
}

function tell() {
  for (const listener of listeners) listener(current);
}

window.addEventListener("storage", (event) => {
  if (event.key !== KEY) return;
  current = read();
  tell();
});

export const preferences = {
  get: () => current,
  /** @param {Partial<typeof DEFAULTS>} patch */
  set(patch) {
    current = { ...current, ...patch };
    try {
      localStorage.setItem(KEY, JSON.stringify(current));
    } catch {
      // as above: it holds for this tab
    }
    tell();
  },
  subscribe: (listener) => listeners.add(listener),
};
