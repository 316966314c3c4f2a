/** A change of voice, speed or model: what is stored in the old one is kept until a person has answered. */

import { api } from "./api.js";
import { ask } from "./dialog.js";
import { el } from "./dom.js";
import { say } from "./i18n.js";
import { startJob } from "./jobs.js";
import { preferences } from "./preferences.js";
import { session } from "./session.js";

let latest = 0;

/**
 * Change how speech is made; where the open document's chunks would not fit any more, ask first.
 * @param {{voice?: string, speed?: number, model?: string}} patch
 * @returns {Promise<boolean>} whether it was changed: else set your control back
 * @throws {ApiError} the server does not say what is stored; nothing was changed
 */
export async function changeVoicing(patch) {
  const { book } = session;
  if (!book) {
    preferences.set(patch);
    return true;
  }
  const mine = (latest += 1);
  const wanted = await session.wanted(patch);
  const changed = Object.keys(patch).map((name) => [name, wanted[name]]); // the rest is this tab's, whatever others chose
  const voicing = { ...session.voicing, ...Object.fromEntries(changed) };
  const [status, before] = [await api.status(book.id, voicing), session.status];
  if (mine !== latest || session.book !== book) return false;
  const answer = status.stale?.settings.length ? await ask(question(status)) : "live";
  if (session.book !== book || answer === null || answer === "keep") return false;
  preferences.set(patch);
  session.apply(voicing, status);
  if (answer === "regenerate") await makeAnew(book, before ?? status, voicing);
  return true;
}

/** Ask whether a document whose chunks were made with other settings shall be made anew, or read with those. */
export async function offerRegeneration() {
  const { book, status, voicing } = session;
  const before = await api.status(book.id, status.stored);
  const answer = await ask(question(status));
  if (session.book !== book) return;
  if (answer === "regenerate") await makeAnew(book, before, voicing);
  if (answer !== "keep") return;
  preferences.set(status.stored);
  session.apply(status.stored, before);
}

/** The pages that were made are made anew, and no others. */
function makeAnew({ id }, before, voicing) {
  const made = [...before.pages, ...before.partialPages.map(({ page }) => page)];
  const pages = before.state === "complete" || !made.length ? "all" : made;
  return startJob({ documentId: id, pages, ...voicing }, { anew: true });
}

function question(status) {
  const changed = status.stale.settings.map(({ name, stored, wanted }) =>
    say(el("li"), `regenerate.${name}`, { stored, wanted }),
  );
  return {
    titleKey: "regenerate.title",
    body: [
      say(el("p"), "regenerate.body", { count: status.stale.blocks }),
      el("ul", {}, ...changed),
      say(el("p", { class: "hint" }), "regenerate.hint"),
    ],
    choices: [
      { key: "regenerate.yes", value: "regenerate", kind: "primary" },
      { key: "regenerate.live", value: "live", kind: "" },
      { key: "regenerate.keep", value: "keep", kind: "" },
    ],
  };
}
