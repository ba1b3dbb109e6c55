/**
 * Single waits and holds in lanes: one for each thread, so that bars of a lane overlap only where a thread
 * held several locks.
 *
 * @typedef {object} Lane
 * @property {number} process a place in the report's processes, or -1
 * @property {number} thread
 * @property {number[]} bars places in the timeline, by start
 * @property {number} longest_ns of its bars
 * @property {number} wait_ns
 *
 * @typedef {Record<"kind" | "exclusive" | "start" | "length" | "lock" | "site" | "process" | "thread" | "blocker", number[]>} Columns
 */

export const kinds = /** @type {const} */ ({ hold: 0, wait: 1, givenUp: 2, blocked: 3 });

/**
 * Lanes of a process stand together; the processes that waited the longest come first.
 * @param {Columns} columns
 * @returns {Lane[]}
 */
export function lanesOf(columns) {
  /** @type {Map<string, Lane>} */
  const lanes = new Map();
  /** @type {Map<number, number>} */
  const waitOfProcess = new Map();
  columns.start.forEach((_, bar) => {
    const process = columns.process[bar];
    const thread = columns.thread[bar];
    const key = `${process} ${thread}`;
    const lane = lanes.get(key) ?? { process, thread, bars: [], longest_ns: 0, wait_ns: 0 };
    lanes.set(key, lane);
    lane.bars.push(bar);
    lane.longest_ns = Math.max(lane.longest_ns, columns.length[bar]);
    if (columns.kind[bar] !== kinds.hold) {
      lane.wait_ns += columns.length[bar];
      waitOfProcess.set(process, (waitOfProcess.get(process) ?? 0) + columns.length[bar]);
    }
  });
  const waited = (/** @type {Lane} */ lane) => waitOfProcess.get(lane.process) ?? 0;
  return [...lanes.values()].sort(
    (a, b) => waited(b) - waited(a) || a.process - b.process || b.wait_ns - a.wait_ns,
  );
}

/**
 * The first of a lane's bars that may reach to `from_ns` or beyond: a place in Lane.bars.
 * @param {Columns} columns
 * @param {Lane} lane
 * @param {number} from_ns
 */
export function firstBar(columns, lane, from_ns) {
  let low = 0;
  let high = lane.bars.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (columns.start[lane.bars[middle]] < from_ns - lane.longest_ns) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The bar at a moment, with so much room on both sides; a wait before a hold that it lies upon. -1: none.
 * @param {Columns} columns
 * @param {Lane} lane
 * @param {number} at_ns
 * @param {number} room_ns
 */
export function barAt(columns, lane, at_ns, room_ns) {
  let best = -1;
  for (let i = firstBar(columns, lane, at_ns - room_ns); i < lane.bars.length; i++) {
    const bar = lane.bars[i];
    if (columns.start[bar] > at_ns + room_ns) break;
    const reaches = columns.start[bar] + columns.length[bar] >= at_ns - room_ns;
    if (reaches && (best < 0 || columns.kind[best] === kinds.hold)) best = bar;
  }
  return best;
}
