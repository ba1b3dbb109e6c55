/** A small report, as the writer leaves it in the page: two locks, one of them two files in a row. */
import { readModel } from "../../reporter/write/html/data/model.js";

/** @param {Partial<Record<string, number>>} [values] */
export const stat = (values = {}) => ({
  ...{
    count: 0,
    sum_ns: 0,
    mean_ns: 0,
    min_ns: 0,
    max_ns: 0,
    value_ns: 0,
    p50_ns: 0,
    p90_ns: 0,
    p99_ns: 0,
  },
  ...values,
});

/** @param {string} path @param {number} wait_ns */
const lock = (path, wait_ns) => ({
  ...{
    path,
    family: "flock",
    filesystem: "ext4",
    acquisitions: 4,
    abandoned: 0,
    abandoned_ns: 0,
  },
  ...{
    wait: stat({ count: 2, sum_ns: wait_ns }),
    region: stat({ count: 4, sum_ns: 40 }),
    overshoot: stat(),
  },
});

/** @param {number} of @param {string} name @param {number} wait_ns @param {string | null} [language] */
const site = (of, name, wait_ns, language = null) => ({
  lock: of,
  frames: [
    {
      function: name,
      file: "/src/a.c",
      line: 7,
      module: "/bin/a",
      offset: 16,
      language,
    },
  ],
  wait: stat({ count: 1, sum_ns: wait_ns }),
  region: stat({ count: 2, sum_ns: 20_000_000 }),
});

/** @param {Record<string, unknown>} [changes] of the report */
export function reportOf(changes = {}) {
  return {
    run: { command: ["./app"], processes: 2 },
    lost: { events: 0, processes: 0, locks: 0, stacks: 0, calls: 0 },
    locks: [lock("/a", 600), lock("/b", 300), lock("/b", 100)],
    sites: [
      site(0, "commit", 600),
      site(1, "load", 300),
      site(2, "load", 100),
      site(0, "script", 0, "python"),
    ],
    blame: [
      { lock: 0, waiter: 0, holder: 3, waits: 2, wait_ns: 500 },
      { lock: 0, waiter: 0, holder: null, waits: 1, wait_ns: 100 },
      { lock: 1, waiter: 1, holder: 1, waits: 1, wait_ns: 300 },
      { lock: 2, waiter: 2, holder: 2, waits: 1, wait_ns: 100 },
    ],
    ...changes,
  };
}

export const extras = {
  run: { process_time_ns: 2000, runs: 1 },
  groups: [
    {
      locks: [0],
      sum: null,
      wait: { shared: [], exclusive: [[600, 1]] },
      region: { shared: [], exclusive: [] },
    },
    {
      locks: [1, 2],
      sum: lock("/b", 400),
      wait: { shared: [], exclusive: [] },
      region: { shared: [], exclusive: [] },
    },
  ],
  labels: [
    ["lock_it", "commit", "main"],
    ["load", "main"],
    ["load", "main"],
    ["a.py:1 main", "a.py:5 script"],
  ],
  waiting: [],
};

export const model = (/** @type {Record<string, unknown>} */ changes = {}) =>
  readModel(reportOf(changes), extras);
