/**
 * The sentences that matter.
 *
 * @typedef {object} Piece of a sentence
 * @property {string} text
 * @property {"plain" | "wait" | "hold" | "path" | "code"} kind
 */
import { counted, humanShare, humanTime } from "./units.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").Lock} Lock */

/** @param {string} text @returns {Piece} */
const plain = (text) => ({ text, kind: "plain" });

/**
 * Who was in the way of a lock's waits the longest, if that explains at least a fifth of them.
 * @param {Model} model
 * @param {Lock} lock
 */
export function mainHolder(model, lock) {
  /** @type {Map<number, number>} */
  const times = new Map();
  for (const { lock: of, holder, wait_ns } of model.blame)
    if (of === lock.id && holder !== null) times.set(holder, (times.get(holder) ?? 0) + wait_ns);
  const [top] = [...times].sort((a, b) => b[1] - a[1]);
  return top && top[1] * 5 >= lock.wait.sum_ns ? model.places[top[0]] : undefined;
}

/**
 * What most of the waiting is for, and behind whom.
 * @param {Model} model
 * @returns {Piece[]}
 */
export function headline(model) {
  const lock = model.locks[0];
  if (!lock) return [plain("No file lock call was seen.")];
  if (model.wait_ns === 0) {
    const acquisitions = model.locks.reduce((sum, each) => sum + each.sum.acquisitions, 0);
    return acquisitions === 0
      ? [plain("No file lock was got, and none was waited for.")]
      : [
          plain("No time was spent waiting for file locks: "),
          plain(
            `${counted(acquisitions, "acquisition")} of ${counted(model.locks.length, "lock")}, none contended.`,
          ),
        ];
  }
  const share = lock.wait.sum_ns === model.wait_ns ? "All" : humanShare(lock.wait.sum_ns, model.wait_ns);
  /** @type {Piece[]} */
  const pieces = [
    { text: share, kind: "wait" },
    plain(" of the waiting is for "),
    { text: lock.path, kind: "path" },
  ];
  const holder = mainHolder(model, lock);
  if (!holder) return [...pieces, plain(", most of it while nobody of this run is known to have held it.")];
  if (holder.holds === 0)
    return [...pieces, plain(", behind "), { text: holder.name, kind: "code" }, plain(".")];
  return [
    ...pieces,
    plain(", behind holds of "),
    { text: humanTime(holder.hold_ns / holder.holds), kind: "hold" },
    plain(" at "),
    { text: holder.name, kind: "code" },
    plain("."),
  ];
}

/**
 * How much that is of the run.
 * @param {Model} model
 */
export function waitingOfRun(model) {
  const { run, wait_ns } = model;
  if (wait_ns === 0) return "";
  const ran = `${humanTime(run.process_time_ns)} that ${run.processes === 1 ? "the process" : counted(run.processes, "process", "processes")} ran`;
  return wait_ns <= run.process_time_ns
    ? `Waited ${humanTime(wait_ns)} in all, ${humanShare(wait_ns, run.process_time_ns)} of the ${ran}.`
    : `Waited ${humanTime(wait_ns)}, by all threads together, in the ${ran}.`;
}

/**
 * What the figures leave out, each a sentence.
 * @param {Model} model
 */
export function warnings(model) {
  const { report, extras, locks } = model;
  const sentences = [];
  const abandoned = locks.reduce((sum, lock) => sum + lock.sum.abandoned, 0);
  if (abandoned > 0) {
    const tried_ns = locks.reduce((sum, lock) => sum + lock.sum.abandoned_ns, 0);
    sentences.push(
      `${counted(abandoned, "time")} a lock was asked for and given up, after ${humanTime(tried_ns)} in all: not counted as waiting.`,
    );
  }
  for (const alive of [true, false]) {
    const blocked = extras.waiting.filter((/** @type {any} */ one) => one.alive === alive);
    if (blocked.length === 0) continue;
    const threads = counted(blocked.length, "thread");
    sentences.push(
      alive
        ? `${threads} waiting for a file lock when this report was made.`
        : `${threads} still waiting for a file lock when the process ended: not counted above.`,
    );
  }
  const lost = report.lost.calls + report.lost.locks;
  if (lost > 0 || report.lost.processes > 0)
    sentences.push(
      `Not all of it was recorded: ${counted(lost, "call")} and ${counted(report.lost.processes, "process", "processes")} at least are missing.`,
    );
  return sentences;
}
