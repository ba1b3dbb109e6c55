/**
 * Who waited behind whom -> rows and columns.
 *
 * @typedef {object} Matrix
 * @property {number[]} waiters places, by time waited
 * @property {(number | null)[]} holders places, by time in the way; null, always last: nobody
 * @property {Map<string, import("./model.js").Blame>} cells by cellKey
 * @property {number} most_ns of one cell
 * @property {number} left_ns of the pairs that have no place in it
 */

/** @param {number} waiter @param {number | null} holder */
export const cellKey = (waiter, holder) => `${waiter} ${holder}`;

/**
 * The places with the most time, at most so many rows and columns.
 * @param {import("./model.js").Blame[]} blame
 * @param {number} size
 * @returns {Matrix}
 */
export function matrixOf(blame, size) {
  const waiters = /** @type {number[]} */ (most(blame, (pair) => pair.waiter, size));
  const holders = most(blame, (pair) => pair.holder, size);
  if (holders.includes(null)) holders.push(...holders.splice(holders.indexOf(null), 1));
  /** @type {Matrix} */
  const matrix = { waiters, holders, cells: new Map(), most_ns: 0, left_ns: 0 };
  const rows = new Set(waiters);
  const columns = new Set(holders);
  for (const pair of blame) {
    if (rows.has(pair.waiter) && columns.has(pair.holder)) {
      matrix.cells.set(cellKey(pair.waiter, pair.holder), pair);
      matrix.most_ns = Math.max(matrix.most_ns, pair.wait_ns);
    } else matrix.left_ns += pair.wait_ns;
  }
  return matrix;
}

/**
 * @template Key
 * @param {import("./model.js").Blame[]} blame
 * @param {(pair: import("./model.js").Blame) => Key} keyOf
 * @param {number} count
 */
function most(blame, keyOf, count) {
  /** @type {Map<Key, number>} */
  const times = new Map();
  for (const pair of blame) times.set(keyOf(pair), (times.get(keyOf(pair)) ?? 0) + pair.wait_ns);
  return [...times]
    .sort((a, b) => b[1] - a[1])
    .slice(0, count)
    .map(([key]) => key);
}
