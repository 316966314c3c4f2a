/** Where reading stopped in each document, and which of them is being made ahead: kept in the browser. */

const MOST = 200;

function notebook(key) {
  const all = () => {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "{}");
    } catch {
      return {};
    }
  };
  const write = (notes) => {
    try {
      localStorage.setItem(key, JSON.stringify(Object.fromEntries(Object.entries(notes).slice(-MOST))));
    } catch {
      // storage is blocked: nothing is remembered
    }
  };
  return {
    get: (id) => all()[id] ?? null,
    set(id, note) {
      const { [id]: _, ...others } = all();
      write(note === null ? others : { ...others, [id]: note }); // the latest last: the oldest go first
    },
    clear: () => write({}),
  };
}

/** `{page, blockIndex}` of each document. */
export const places = notebook("oomproof.places");

/** What was asked to be made of each document, until its end is seen: a server that restarts forgets its jobs. */
export const jobsAsked = notebook("oomproof.jobs");
