/** Reads the data that the writer left in the page, and puts the page together. */
import { readModel } from "./data/model.js";
import { commandText } from "./data/text.js";
import { element, fill } from "./dom.js";
import { createStore } from "./store.js";
import { blameMatrix } from "./views/blame_matrix.js";
import { distributions } from "./views/distributions.js";
import { flameGraphs } from "./views/flame_graph.js";
import { lockList } from "./views/lock_list.js";
import { lockSummary } from "./views/lock_summary.js";
import { findings, guide, missing, processes } from "./views/tables.js";
import { timeline } from "./views/timeline.js";
import { headlineView, topBar } from "./views/top.js";
import { waiters } from "./views/waiters.js";

/** @param {string} id */
function dataOf(id) {
  return JSON.parse(/** @type {HTMLElement} */ (document.getElementById(id)).textContent ?? "");
}

const model = readModel(dataOf("report"), dataOf("extras"));
const store = createStore({ lock: model.locks.length > 0 ? 0 : null });
document.title = `flockstat: ${commandText(model.run.command)}`;
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") store.set({ lock: null });
});

const parts = [
  element(
    "section",
    { id: "locks", class: "overview", "aria-label": "Locks" },
    element("div", {}, lockList(model, store), waiters(model, store)),
    lockSummary(model, store),
  ),
  findings(model),
  distributions(model, store),
  flameGraphs(model, store),
  blameMatrix(model, store),
  timeline(model, store),
  processes(model),
  missing(model),
  guide(),
].filter((part) => part !== null);

fill(
  /** @type {HTMLElement} */ (document.getElementById("page")),
  topBar(
    model,
    parts.map((part) => [part.id, part.querySelector(".section-head h2")?.textContent ?? "Locks"]),
  ),
  element("main", {}, headlineView(model), ...parts),
);
