import assert from "node:assert/strict";
import { test } from "node:test";
import {
  headline,
  waitingOfRun,
  warnings,
} from "../../reporter/write/html/data/headline.js";
import { matrixOf } from "../../reporter/write/html/data/blame_matrix.js";
import {
  flameTree,
  search,
} from "../../reporter/write/html/data/flame_tree.js";
import { extras, model, reportOf } from "./model.mjs";
import { readModel } from "../../reporter/write/html/data/model.js";

const sentence = (
  /** @type {import("../../reporter/write/html/data/headline.js").Piece[]} */ pieces,
) => pieces.map((piece) => piece.text).join("");

test("files that followed one another are one lock, and their equal stacks one place", () => {
  const { locks, places, blame } = model();
  assert.deepEqual(
    locks.map((lock) => [lock.path, lock.wait.sum_ns, lock.files]),
    [
      ["/a", 600, 1],
      ["/b", 400, 2],
    ],
  );
  assert.deepEqual(
    places.map((place) => [place.lock, place.wait_ns, place.label.join(" > ")]),
    [
      [0, 600, "main > commit > lock_it"],
      [1, 400, "main > load"],
      [0, 0, "a.py:1 main > a.py:5 script"],
    ],
  );
  assert.deepEqual(
    blame.map((pair) => [pair.waiter, pair.holder, pair.wait_ns]),
    [
      [0, 2, 500],
      [1, 1, 400],
      [0, null, 100],
    ],
  );
});

test("the headline says for what, and behind whom", () => {
  assert.equal(
    sentence(headline(model())),
    "60 % of the waiting is for /a, behind holds of 10.0 ms at a.py:5 script.",
  );
  assert.equal(
    waitingOfRun(model()),
    "Waited 1.00 µs in all, 50 % of the 2.00 µs that 2 processes ran.",
  );
  const nobody = model({
    blame: [{ lock: 0, waiter: 0, holder: null, waits: 1, wait_ns: 600 }],
  });
  assert.equal(
    sentence(headline(nobody)),
    "60 % of the waiting is for /a, most of it while nobody of this run is known to have held it.",
  );
});

test("the headline of a run without waits, and of one without locks", () => {
  const idle = reportOf({ sites: [], blame: [] });
  const none = readModel(idle, { ...extras, groups: [], labels: [] });
  assert.equal(sentence(headline(none)), "No file lock call was seen.");
  const free = structuredClone(idle);
  free.locks.length = 1;
  free.locks[0].wait.sum_ns = 0;
  const quiet = readModel(free, {
    ...extras,
    groups: [extras.groups[0]],
    labels: [],
  });
  assert.equal(
    sentence(headline(quiet)),
    "No time was spent waiting for file locks: 4 acquisitions of 1 lock, none contended.",
  );
});

test("what the figures leave out is told", () => {
  assert.deepEqual(warnings(model()), []);
  const lost = { events: 0, processes: 1, locks: 2, stacks: 0, calls: 3 };
  assert.deepEqual(warnings(model({ lost })), [
    "Not all of it was recorded: 5 calls and 1 process at least are missing.",
  ]);
});

test("a flame graph has the locks below its root, and adds up", () => {
  const tree = flameTree(model(), "wait_ns", false);
  assert.deepEqual([tree.name, tree.value], ["all locks", 1000]);
  assert.deepEqual(
    tree.children.map((child) => [child.name, child.value, child.lock]),
    [
      ["/a", 600, 0],
      ["/b", 400, 1],
    ],
  );
  assert.deepEqual(
    tree.children[0].children.map((child) => child.name),
    ["main"],
  );
  const full = flameTree(model(), "hold_ns", true);
  assert.equal(full.value, 80_000_000);
  assert.equal(full.children[0].children[0].name, "commit (a.c:7)");
});

test("a search adds up what it finds, each time once", () => {
  const tree = flameTree(model(), "wait_ns", false);
  assert.equal(search(tree, "MAIN").value, 1000);
  assert.equal(search(tree, "commit").value, 600);
  assert.equal(search(tree, "no such").value, 0);
  assert.equal(search(tree, "").found.size, 0);
});

test("a matrix keeps the greatest, and says what it left out", () => {
  const { blame } = model();
  const whole = matrixOf(blame, 40);
  assert.deepEqual(whole.waiters, [0, 1]);
  assert.deepEqual(whole.holders, [2, 1, null]);
  assert.equal(whole.left_ns, 0);
  assert.equal(whole.most_ns, 500);
  const small = matrixOf(blame, 1);
  assert.deepEqual(
    [small.waiters, small.holders, small.left_ns],
    [[0], [2], 500],
  );
});

test("a place in Python is named after the program's own code, not after a package's", () => {
  const package_file = "/usr/lib/python3/dist-packages/filelock/_unix.py";
  const frames = [
    ["_acquire", package_file, 37],
    ["call", "/usr/lib/python3.11/functools.py", 4],
    ["Cache.fill", "/srv/worker.py", 15],
    ["<module>", "/srv/worker.py", 21],
  ].map(([name, file, line]) => ({
    function: name,
    file,
    line,
    module: "",
    offset: 0,
    language: "python",
  }));
  const label = [
    "worker.py:21 <module>",
    "worker.py:15 fill",
    "functools.py:4 call",
    "filelock/_unix.py:37 _acquire",
  ];
  /** @param {number} from which frames the stack has */
  const nameOf = (from) => {
    const report = reportOf();
    const [site] = report.sites;
    const sites = [
      { ...site, frames: frames.slice(0, from) },
      ...report.sites.slice(1),
    ];
    const labels = [label.slice(4 - from), ...extras.labels.slice(1)];
    return readModel({ ...report, sites }, { ...extras, labels }).places[0]
      .name;
  };
  assert.equal(nameOf(4), "worker.py:15 fill");
  assert.equal(nameOf(2), "filelock/_unix.py:37 _acquire");
});
