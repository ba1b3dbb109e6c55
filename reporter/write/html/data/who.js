/**
 * Which processes waited for a lock.
 *
 * @typedef {object} Waiter
 * @property {number} process a place in the report's processes
 * @property {number} wait_ns
 * @property {number} waits
 */
import { kinds } from "./timeline.js";

/**
 * By time, as far as waits were recorded one by one. A process that replaced itself by exec is several.
 * @param {import("./timeline.js").Columns} columns
 * @param {(bar: number) => boolean} wanted
 * @returns {Waiter[]}
 */
export function waitersOf(columns, wanted) {
  /** @type {Map<number, Waiter>} */
  const waiters = new Map();
  columns.kind.forEach((kind, bar) => {
    const process = columns.process[bar];
    if (kind !== kinds.wait || process < 0 || !wanted(bar)) return;
    const waiter = waiters.get(process) ?? { process, wait_ns: 0, waits: 0 };
    waiter.wait_ns += columns.length[bar];
    waiter.waits += 1;
    waiters.set(process, waiter);
  });
  return [...waiters.values()].sort((a, b) => b.wait_ns - a.wait_ns);
}
