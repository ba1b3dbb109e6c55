import assert from "node:assert/strict";
import { test } from "node:test";
import { binsOf } from "../../reporter/write/html/data/distribution.js";
import {
  shortPath,
  shown,
  commandText,
} from "../../reporter/write/html/data/text.js";
import {
  barAt,
  firstBar,
  lanesOf,
} from "../../reporter/write/html/data/timeline.js";
import {
  counted,
  humanCount,
  humanShare,
  humanTime,
} from "../../reporter/write/html/data/units.js";

test("times are those of the text report", () => {
  const cases = /** @type {[number, string][]} */ ([
    [0, "0 ns"],
    [999, "999 ns"],
    [1_500, "1.50 µs"],
    [99_960, "100 µs"],
    [999_600, "1.00 ms"],
    [12_340_000, "12.3 ms"],
    [119_000_000_000, "119 s"],
    [125_000_000_000, "2 m 05 s"],
    [7_500_000_000_000, "2 h 05 m"],
  ]);
  for (const [ns, text] of cases) assert.equal(humanTime(ns), text);
});

test("counts and shares are those of the text report", () => {
  assert.equal(humanCount(12345678), "12,345,678");
  assert.equal(humanShare(1, 0), "-");
  assert.equal(humanShare(1, 1_000_000), "<0.1 %");
  assert.equal(humanShare(15, 1000), "1.5 %");
  assert.equal(humanShare(97, 100), "97 %");
  assert.equal(counted(1, "lock"), "1 lock");
  assert.equal(counted(2000, "process", "processes"), "2,000 processes");
});

test("what cannot be seen in a name, or would turn it round, is written out", () => {
  assert.equal(shown("a\nb\tc\u001b[31m"), "a\\nb\\tc\\x1b[31m");
  assert.equal(shown("txt.\u202eexe"), "txt.\\u{202e}exe");
  assert.equal(shown("<b>&amp; ü"), "<b>&amp; ü");
});

test("a path loses leading directories, never its name", () => {
  assert.equal(
    shortPath("/very/long/way/cache/app.db", 40),
    "/very/long/way/cache/app.db",
  );
  assert.equal(shortPath("/very/long/way/cache/app.db", 16), "…/cache/app.db");
  assert.equal(shortPath("/very/long/way/cache/app.db", 3), "…/app.db");
  assert.equal(commandText(["sh", "-c", "echo it's"]), "sh -c 'echo it'\\''s'");
});

test("values fall into bins of half an octave, modes apart", () => {
  const bins = binsOf({
    shared: [[1000, 2]],
    exclusive: [
      [1000, 3],
      [4100, 1],
    ],
  });
  assert.equal(bins[0].shared, 2);
  assert.equal(bins[0].exclusive, 3);
  assert.equal(bins[bins.length - 1].exclusive, 1);
  assert.equal(
    bins.reduce((sum, bin) => sum + bin.shared + bin.exclusive, 0),
    6,
  );
  for (const [value, bin] of /** @type {[number, any][]} */ ([
    [1000, bins[0]],
    [4100, bins[bins.length - 1]],
  ]))
    assert.ok(bin.from <= value && value < bin.to);
  assert.deepEqual(binsOf({ shared: [], exclusive: [] }), []);
});

const columns = {
  kind: [0, 1, 0, 1],
  exclusive: [1, 1, 1, 1],
  start: [0, 5, 10, 20],
  length: [100, 5, 2, 10],
  lock: [0, 0, 0, 0],
  site: [0, 0, 0, 0],
  process: [0, 1, 0, 1],
  thread: [10, 11, 10, 12],
  blocker: [-1, 0, -1, 0],
};

test("a lane for each thread, those of one process together, the longest waits first", () => {
  const lanes = lanesOf(columns);
  assert.deepEqual(
    lanes.map((lane) => [lane.process, lane.thread, lane.bars]),
    [
      [1, 12, [3]],
      [1, 11, [1]],
      [0, 10, [0, 2]],
    ],
  );
});

test("a long bar is found from its middle", () => {
  const lane = lanesOf(columns)[2];
  assert.equal(firstBar(columns, lane, 90), 0);
  assert.equal(firstBar(columns, lane, 111), 2);
  assert.equal(barAt(columns, lane, 50, 1), 0);
  assert.equal(barAt(columns, lane, 200, 1), -1);
});
