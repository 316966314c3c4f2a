/** A document that is being read: its pages, and the blocks of those that were looked at last. */

import { api } from "./api.js";

const PAGES_KEPT = 8;

export class Book {
  #texts = new Map();

  /** @param {object} about the document, as the server tells it; @param {{page, blocks, characters}[]} pages */
  constructor(about, pages) {
    this.id = about.id;
    this.name = about.name ?? about.id;
    this.pages = pages;
  }

  /** Fetch a document and the sizes of its pages. */
  static async open(id) {
    const [about, pages] = await Promise.all([api.document(id), api.pages(id)]);
    return new Book(about, pages);
  }

  get pageCount() {
    return this.pages.length;
  }

  /** Return the blocks of a page, each with `page`, `blockIndex`, `text` and `textHash`. */
  blocks(page) {
    const known = this.#texts.get(page) ?? api.blocks(this.id, page);
    known.catch(() => this.#texts.delete(page));
    this.#texts.delete(page);
    this.#texts.set(page, known);
    if (this.#texts.size > PAGES_KEPT) this.#texts.delete(this.#texts.keys().next().value);
    return known;
  }

  /** Return the nearest page from `page` on, forward or back, that has blocks; null where there is none. */
  pageWithText(page, step = 1) {
    for (let at = page; at >= 1 && at <= this.pageCount; at += step) {
      if (this.pages[at - 1].blocks > 0) return at;
    }
    return null;
  }

  /** Return the place after a block, or before it with step -1, across pages; null at the ends of the document. */
  beside({ page, blockIndex }, step) {
    const index = blockIndex + step;
    if (index >= 0 && index < this.pages[page - 1].blocks) return { page, blockIndex: index };
    const other = this.pageWithText(page + step, step);
    if (other === null) return null;
    return { page: other, blockIndex: step > 0 ? 0 : this.pages[other - 1].blocks - 1 };
  }

  /** Return a place that the document has, near to one that is remembered. */
  nearest(place) {
    const page = this.pageWithText(Math.min(Math.max(place?.page ?? 1, 1), this.pageCount)) ?? this.pageWithText(1);
    if (page === null) return null;
    const last = this.pages[page - 1].blocks - 1;
    return { page, blockIndex: page === place?.page ? Math.min(Math.max(place.blockIndex, 0), last) : 0 };
  }
}
