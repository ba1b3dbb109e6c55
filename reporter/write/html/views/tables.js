/** Findings, processes, what was lost, and how to read it all. */
import { commandText, shown } from "../data/text.js";
import { counted, humanCount, humanTime } from "../data/units.js";
import { element, section, table } from "../dom.js";

/** @typedef {import("../data/model.js").Model} Model */

/** @param {Model} model */
export function findings({ report }) {
  if (report.findings.length === 0) return null;
  return section(
    "findings",
    "Findings",
    "What stands out.",
    element(
      "ul",
      { class: "plain" },
      ...report.findings.map((/** @type {any} */ finding) => element("li", {}, shown(finding.message))),
    ),
  );
}

/** So many processes are listed at first. */
const processesShown = 12;

/** @param {Model} model */
export function processes({ report }) {
  const active = report.processes.filter(
    (/** @type {any} */ process) => process.attempts + process.unlocks > 0,
  );
  const idle = report.processes.length - active.length;
  const holder = element("div");
  const more = element(
    "button",
    { type: "button", class: "quiet", onclick: () => show(active.length) },
    `All ${counted(active.length, "process", "processes")}`,
  );
  /** @param {number} count */
  function show(count) {
    more.hidden = count >= active.length;
    holder.replaceChildren(
      table(
        [">Pid", ">Waited", ">Held", ">Acquired", ">Calls", "Ended", "Command"],
        active
          .slice(0, count)
          .map((/** @type {any} */ process) => [
            String(process.pid),
            process.wait.count > 0 ? humanTime(process.wait.sum_ns) : "-",
            process.region.count > 0 ? humanTime(process.region.sum_ns) : "-",
            humanCount(process.enter.count),
            humanCount(process.attempts + process.unlocks),
            ending(process),
            element("code", {}, commandText(process.command.length > 0 ? process.command : [process.exe])),
          ]),
        "Processes",
      ),
    );
  }
  show(processesShown);
  return section(
    "processes",
    "Processes",
    idle > 0
      ? `By time waited. ${counted(idle, "more process", "more processes")} without lock calls.`
      : "By time waited.",
    element("div", { class: "card" }, holder, more),
  );
}

/** @param {any} process */
function ending({ ended, status }) {
  if (ended === "exit") return status === null ? "exit" : `exit ${status}`;
  if (ended === "killed") return status > 128 ? `signal ${status - 128}` : "killed";
  return ended ?? "not seen";
}

/** @param {Model} model */
export function missing(model) {
  const { report, run } = model;
  const sentences = [];
  if (run.running > 0)
    sentences.push(
      `The run goes on: ${counted(run.running, "process is", "processes are")} alive, and what happens from now on is not in here.`,
    );
  else if (!run.complete) sentences.push("It cannot be told whether all processes of the run have ended.");
  if (!run.probe)
    sentences.push(
      "The probe was off: what is contended was judged by how long calls took, and short waits may be missing.",
    );
  if (!run.stacks) sentences.push("Stacks were off: sites are not told apart.");
  if (run.clock_estimated)
    sentences.push("Times are estimates: the recording ended before its clock was read a second time.");
  for (const [family, calls] of Object.entries(report.unattributed)) {
    const all = calls.attempts + calls.unlocks + calls.tests;
    const errors = Object.entries(calls.errors).map(
      ([name, count]) => `${name} ${humanCount(Number(count))}`,
    );
    if (all > 0)
      sentences.push(
        `${counted(all, `${family} call`)} whose file is not known${errors.length > 0 ? `: ${errors.join(", ")}` : ""}.`,
      );
  }
  const lost = losses(model);
  return section(
    "missing",
    "What is missing",
    lost.length === 0
      ? "Nothing was lost."
      : "The recording had no room for all of it. Give it more: flockstat run --arena MIB.",
    element(
      "ul",
      { class: "plain" },
      ...lost.map((text) => element("li", { class: "warning" }, text)),
      ...sentences.map((text) => element("li", {}, text)),
    ),
  );
}

/** @param {Model} model */
function losses({ report: { lost }, run }) {
  /** @type {[number, string, string, string][]} */
  const all = [
    [Math.max(0, lost.calls - run.damaged), "call", "calls", "could not be counted, or only in part"],
    [lost.processes, "process", "processes", "could not be recorded"],
    [lost.locks, "call", "calls", "on files beyond what the recording had room for"],
    [
      lost.stacks,
      "stack",
      "stacks",
      "had no room or was deeper than could be kept: their calls are counted without it",
    ],
    [
      lost.events,
      "event",
      "events",
      "had no room: the counters are complete, single waits and the timeline are not",
    ],
    [run.damaged, "record", "records", "of the recording is damaged and left out"],
  ];
  return all
    .filter(([count]) => count > 0)
    .map(([count, one, many, meaning]) => `${counted(count, one, many)} ${meaning}.`);
}

/** @type {[string, string][]} */
const words = [
  ["lock", "one file in one family: flock, posix (fcntl, lockf) or ofd"],
  ["acquisition", "attempts of one thread for the same thing that end granted"],
  ["contended", "the first attempt found the lock taken"],
  ["polled", "refused at least once, and asked for again, before it was granted"],
  ["waited", "from the first attempt to the grant, of contended acquisitions"],
  ["held", "from the grant until its owner no longer has it"],
  [
    "behind",
    "each wait is shared out among the holds that were in its way; the rest is nobody's: the lock was free, or held outside the run",
  ],
  ["polling added", "from the release, by a process of the run, to the grant"],
  ["given up", "refused and not tried again: its time is not in what was waited"],
];

export function guide() {
  return section(
    "reading",
    "How to read it",
    "Everything on this page follows the chosen lock. Escape chooses all of them; the arrow keys walk in lists and pictures.",
    element(
      "dl",
      { class: "words" },
      ...words.flatMap(([word, meaning]) => [element("dt", {}, word), element("dd", {}, meaning)]),
    ),
  );
}
