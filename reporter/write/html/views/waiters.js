/** Which processes waited for the chosen lock. */
import { commandText } from "../data/text.js";
import { counted, humanTime } from "../data/units.js";
import { waitersOf } from "../data/who.js";
import { element, fill } from "../dom.js";

/** @typedef {import("../data/model.js").Model} Model */

/** So many are listed; Processes has all of them. */
const waitersShown = 6;

/**
 * @param {Model} model
 * @param {import("../store.js").Store} store
 */
export function waiters(model, store) {
  const columns = model.extras.timeline;
  const list = element("div", { class: "waiters" });
  store.listen(({ lock }) => {
    const all = waitersOf(columns, (bar) => lock === null || model.lockOfFile[columns.lock[bar]] === lock);
    const rest = all.slice(waitersShown);
    const rest_ns = rest.reduce((sum, waiter) => sum + waiter.wait_ns, 0);
    fill(
      list,
      all.length > 0 && element("h3", {}, "Processes that waited for it"),
      ...all.slice(0, waitersShown).map((waiter) => row(model, waiter)),
      rest.length > 0 &&
        element(
          "p",
          { class: "quiet-text" },
          `${counted(rest.length, "more process", "more processes")}, ${humanTime(rest_ns)}`,
        ),
    );
  });
  return list;
}

/**
 * @param {Model} model
 * @param {import("../data/who.js").Waiter} waiter
 */
function row(model, { process, wait_ns, waits }) {
  const { pid, command, exe } = model.report.processes[process];
  return element(
    "div",
    { class: "waiter" },
    element("b", { class: "said-wait" }, humanTime(wait_ns)),
    element("code", {}, commandText(command.length > 0 ? command : [exe])),
    element("span", { class: "quiet-text" }, `pid ${pid}, ${counted(waits, "wait")}`),
  );
}
