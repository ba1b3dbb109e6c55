/** Who waited behind whom, as a picture: a row for each waiter, a column for each holder. */
import { scaleSqrt } from "d3-scale";
import { cellKey, matrixOf } from "../data/blame_matrix.js";
import { shown } from "../data/text.js";
import { counted, humanTime } from "../data/units.js";
import { element, fill, section } from "../dom.js";
import { drawing, fitText } from "./svg.js";
import { tipOn } from "./tooltip.js";

/** @typedef {import("../data/model.js").Model} Model */
/** @typedef {import("../data/blame_matrix.js").Matrix} Matrix */

/** Rows and columns that stay readable. */
const largest = 40;

/**
 * @param {Model} model
 * @param {import("../store.js").Store} store
 */
export function blameMatrix(model, store) {
  let matrix = matrixOf([], largest);
  const note = element("p", { class: "quiet-text" });
  const { frame, redraw } = drawing("Who waited behind whom", (svg, width) =>
    draw(svg, width, matrix, model),
  );
  store.listen(({ lock }) => {
    matrix = matrixOf(
      model.blame.filter((pair) => lock === null || pair.lock === lock),
      largest,
    );
    const left =
      matrix.left_ns > 0
        ? ` Not in the picture: ${humanTime(matrix.left_ns)} of pairs beyond the first ${largest}.`
        : "";
    const size =
      matrix.waiters.length === 0
        ? "Nobody waited."
        : `${counted(matrix.waiters.length, "waiter")}, ${counted(matrix.holders.length, "holder")}.`;
    fill(note, size + left);
    redraw();
  });
  return section(
    "blame",
    "Who made whom wait",
    "Rows waited, columns were in the way; the darker a cell, the longer. Point at a cell, or walk there with the arrow keys.",
    element("div", { class: "card matrix" }, frame, note),
  );
}

/**
 * @param {import("d3-selection").Selection<SVGSVGElement, unknown, null, undefined>} svg
 * @param {number} width
 * @param {Matrix} matrix
 * @param {Model} model
 */
function draw(svg, width, matrix, model) {
  svg.selectAll("*").remove();
  const { waiters, holders, cells, most_ns } = matrix;
  svg.attr("width", width).attr("height", 0);
  if (waiters.length === 0) return;
  const labels = Math.min(360, width * 0.4);
  const rise = Math.min(150, labels);
  const step = Math.max(10, Math.min(44, (width - labels - rise * 0.6) / holders.length));
  const text = Math.min(12, step - 1);
  const nameOf = (/** @type {number | null} */ place) =>
    place === null ? "nobody of this run" : shown(model.places[place].name);
  const strength = scaleSqrt().domain([0, most_ns]).range([0.08, 1]);
  svg.attr("height", rise + waiters.length * step + 8);

  const names = (/** @type {string} */ name) => svg.append("g").attr("class", name).attr("font-size", text);
  names("said-wait")
    .selectAll("text")
    .data(waiters)
    .join("text")
    .attr("x", labels - 8)
    .attr("y", (_, row) => rise + (row + 0.5) * step + text / 3)
    .attr("text-anchor", "end")
    .text((place) => fitText(nameOf(place), labels - 10, text * 0.62));
  names("said-hold")
    .selectAll("text")
    .data(holders)
    .join("text")
    .attr(
      "transform",
      (_, column) => `translate(${labels + (column + 0.5) * step + text / 3},${rise - 8}) rotate(-55)`,
    )
    .text((place) => fitText(nameOf(place), (rise - 12) / 0.82, text * 0.62));

  const all = waiters.flatMap((waiter, row) =>
    holders.map((holder, column) => ({ row, column, pair: cells.get(cellKey(waiter, holder)) })),
  );
  const first = all.find((cell) => cell.pair);
  svg
    .append("g")
    .selectAll("rect")
    .data(all)
    .join("rect")
    .attr("class", (cell) => (!cell.pair ? "cell none" : cell.pair.holder === null ? "cell nobody" : "cell"))
    .attr("x", ({ column }) => labels + column * step)
    .attr("y", ({ row }) => rise + row * step)
    .attr("width", step - 1)
    .attr("height", step - 1)
    .attr("fill-opacity", ({ pair }) => (pair ? strength(pair.wait_ns) : null))
    .attr("tabindex", (cell) => (cell === first ? 0 : cell.pair ? -1 : null))
    .on("keydown", function (event, { row, column }) {
      const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[
        /** @type {string} */ (event.key)
      ] ?? [0, 0];
      const to = nearest(all, row, column, down, right);
      if (to < 0) return;
      event.preventDefault();
      const rects = /** @type {Element} */ (this).parentElement?.children;
      /** @type {SVGRectElement | undefined} */ (rects?.[to])?.focus();
    })
    .each(function ({ pair }) {
      if (!pair) return;
      tipOn(this, () => [
        `${humanTime(pair.wait_ns)}, ${counted(pair.waits, "wait")}`,
        `waited at ${nameOf(pair.waiter)}`,
        pair.holder === null
          ? "nobody of this run held it: it was free, or held outside"
          : `behind ${nameOf(pair.holder)}`,
        shown(model.locks[pair.lock].path),
      ]);
    });
}

/**
 * The next filled cell in a direction, else none: -1.
 * @param {{row: number, column: number, pair: unknown}[]} all
 * @param {number} row
 * @param {number} column
 * @param {number} down
 * @param {number} right
 */
function nearest(all, row, column, down, right) {
  let best = -1;
  let least = Infinity;
  all.forEach((cell, place) => {
    const along = (cell.row - row) * down + (cell.column - column) * right;
    const aside = Math.abs((cell.row - row) * right) + Math.abs((cell.column - column) * down);
    if (cell.pair && along > 0 && along + 2 * aside < least) {
      least = along + 2 * aside;
      best = place;
    }
  });
  return best;
}
