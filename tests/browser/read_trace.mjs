/**
 * Reads Trace Event JSON with TracerBench's model of it: read_trace.mjs FILE. Prints, as JSON, the processes with their
 * tracks and slices as the model has them, and for each arrow the slices at both of its ends.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

// Where `make` installs the npm packages of the page and its tests.
const packages = createRequire(
  new URL("../../reporter/write/html/package.json", import.meta.url),
);
const { buildModel } = packages("@tracerbench/trace-model");

const model = buildModel(JSON.parse(await readFile(process.argv[2], "utf8")));

/** @param {any} slice */
const told = ({ name, cat, pid, tid, start, duration, args, parent }) => ({
  name,
  cat: [cat].flat().join(),
  pid,
  tid,
  start,
  duration,
  args,
  nested: parent !== undefined,
});

/**
 * The slices of an event's track that are there at its time.
 * @param {any} event
 */
const slicesAt = (event) =>
  model.processes
    .find((/** @type {any} */ { id }) => id === event.pid)
    .threads.find((/** @type {any} */ { id }) => id === event.tid)
    .events.filter(
      (/** @type {any} */ slice) =>
        slice.isComplete() &&
        slice.start <= event.start &&
        event.start <= slice.end,
    )
    .map(told);

const ends = new Map(
  model.events
    .filter((/** @type {any} */ event) => event.isFlowEnd())
    .map((/** @type {any} */ event) => [event.traceEvent.id, event]),
);
const arrows = model.events
  .filter((/** @type {any} */ event) => event.isFlowBegin())
  .map((/** @type {any} */ from) => {
    const to = ends.get(from.traceEvent.id);
    return {
      from: slicesAt(from),
      to: slicesAt(to),
      at: from.start,
      until: to.start,
    };
  });

const processes = model.processes.map((/** @type {any} */ process) => ({
  pid: process.id,
  name: process.name,
  tracks: process.threads.map((/** @type {any} */ thread) => ({
    name: thread.name,
    slices: thread.events
      .filter((/** @type {any} */ event) => event.isComplete())
      .map(told),
  })),
}));
console.log(JSON.stringify({ processes, arrows }));
