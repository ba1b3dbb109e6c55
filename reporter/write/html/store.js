/**
 * What the reader has chosen, and who wants to know.
 *
 * @typedef {object} Choice
 * @property {number | null} lock the chosen lock, a place in Model.locks; null: all of them
 *
 * @typedef {object} Store
 * @property {() => Choice} get
 * @property {(change: Partial<Choice>) => void} set tells all listeners, if it is a change
 * @property {(listener: (choice: Choice) => void) => void} listen calls it now and after each change
 */

/**
 * @param {Choice} first
 * @returns {Store}
 */
export function createStore(first) {
  let choice = { ...first };
  /** @type {((choice: Choice) => void)[]} */
  const listeners = [];
  return {
    get: () => choice,
    set(change) {
      const next = { ...choice, ...change };
      if (next.lock !== choice.lock) {
        choice = next;
        for (const listener of listeners) listener(choice);
      }
    },
    listen(listener) {
      listeners.push(listener);
      listener(choice);
    },
  };
}
