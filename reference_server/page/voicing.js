/** A change of voice, speed or model: what is stored in the old one is kept until a person has answered. */

import { api } from "./api.js";
import { ask } from "./dialog.js";
import { el } from "./dom.js";
import { errorWords, say } from "./i18n.js";
import { notify } from "./notices.js";
import { preferences } from "./preferences.js";
import { session } from "./session.js";
import { startJob } from "./jobs.js";

/**
 * Change how speech is made; where the open document's chunks would not fit any more, ask first.
 * @param {{voice?: string, speed?: number, model?: string}} patch
 * @returns {Promise<boolean>} whether it was changed: else set your control back
 */
export async function changeVoicing(patch) {
  if (!session.book) {
    preferences.set(patch);
    return true;
  }
  try {
    const voicing = await session.wanted(patch);
    return await change(session.book.id, voicing, patch);
  } catch (error) {
    notify(...errorWords(error), { kind: "error" });
    return false;
  }
}

async function change(id, voicing, patch) {
  const before = session.status;
  const status = await api.status(id, voicing);
  const answer = status.stale?.settings.length ? await ask(question(status)) : "live";
  if (session.book?.id !== id || answer === null || answer === "keep") return false;
  preferences.set(patch);
  session.apply(voicing, status);
  if (answer === "regenerate") await startJob({ documentId: id, pages: pagesOf(before, status), ...voicing }, { anew: true });
  return true;
}

/** Ask whether a document whose chunks were made with other settings shall be made anew. */
export async function offerRegeneration() {
  const { book, status, voicing } = session;
  const answer = await ask(question(status));
  if (answer === "regenerate") {
    await startJob({ documentId: book.id, pages: pagesOf(status, status), ...voicing }, { anew: true });
  } else if (answer === "keep" && status.stored) {
    preferences.set(status.stored);
    session.apply(status.stored, await api.status(book.id, status.stored));
  }
}

function question(status) {
  const changed = status.stale.settings.map(({ name, stored, wanted }) =>
    say(el("li"), `regenerate.${name}`, { stored, wanted }),
  );
  return {
    titleKey: "regenerate.title",
    body: [
      say(el("p"), "regenerate.body", { blocks: status.stale.blocks }),
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

/** The pages that were made are made anew: all where nearly all were, else those alone. */
function pagesOf(before, status) {
  const pages = [...(before?.pages ?? []), ...(before?.partialPages ?? []).map(({ page }) => page)];
  return pages.length && pages.length < 2000 && before.done < status.total ? pages : "all";
}
