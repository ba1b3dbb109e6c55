/** How long waits and holds of the chosen lock took: histograms over a logarithmic axis. */
import { max } from "d3-array";
import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear, scaleLog } from "d3-scale";
import { binsOf, together } from "../data/distribution.js";
import { counted, humanTime } from "../data/units.js";
import { element, section } from "../dom.js";
import { drawing } from "./svg.js";
import { tipOn } from "./tooltip.js";

/** @typedef {import("../data/model.js").Model} Model */
/** @typedef {import("../data/distribution.js").Bin} Bin */

/**
 * @param {Model} model
 * @param {import("../store.js").Store} store
 */
export function distributions(model, store) {
  const waits = histogram("Waits", "wait");
  const holds = histogram("Holds", "hold");
  store.listen(({ lock }) => {
    const locks = lock === null ? model.locks : [model.locks[lock]];
    waits.show(binsOf(together(locks.map((each) => each.waits))));
    holds.show(binsOf(together(locks.map((each) => each.holds))));
  });
  return section(
    "distributions",
    "How long",
    "Each wait and each hold of the chosen lock, by how long it took. Solid is exclusive, striped is shared.",
    element("div", { class: "two" }, waits.figure, holds.figure),
  );
}

const height = 190;
const margin = { left: 44, right: 12, top: 10, bottom: 26 };

/**
 * @param {string} title
 * @param {"wait" | "hold"} kind
 */
function histogram(title, kind) {
  /** @type {Bin[]} */
  let bins = [];
  const count = element("span", { class: "quiet-text" });
  const { frame, redraw } = drawing(`${title} by duration`, (svg, width) => {
    svg.selectAll("*").remove();
    svg.attr("width", width).attr("height", height);
    if (bins.length > 0) draw(svg, width, bins, kind);
  });
  const figure = element(
    "figure",
    { class: "card" },
    element("figcaption", {}, element("h3", {}, title), count),
    frame,
  );
  return {
    figure,
    /** @param {Bin[]} next */
    show(next) {
      bins = next;
      const shared = bins.reduce((sum, bin) => sum + bin.shared, 0);
      const exclusive = bins.reduce((sum, bin) => sum + bin.exclusive, 0);
      const parts = [
        exclusive > 0 && `${counted(exclusive, "exclusive", "exclusive")}`,
        shared > 0 && `${counted(shared, "shared", "shared")}`,
      ];
      count.textContent = parts.filter(Boolean).join(", ") || "none";
      redraw();
    },
  };
}

/**
 * @param {import("d3-selection").Selection<SVGSVGElement, unknown, null, undefined>} svg
 * @param {number} width
 * @param {Bin[]} bins
 * @param {"wait" | "hold"} kind
 */
function draw(svg, width, bins, kind) {
  const x = scaleLog()
    .domain([bins[0].from / 1.2, bins[bins.length - 1].to * 1.2])
    .range([margin.left, width - margin.right]);
  const y = scaleLinear()
    .domain([0, max(bins, (bin) => bin.shared + bin.exclusive) ?? 1])
    .nice(3)
    .range([height - margin.bottom, margin.top]);
  const decades = x.ticks().filter((tick) => Math.log10(tick) % 1 === 0);
  const wide = decades.length > 1 ? decades : [bins[0].from, bins[bins.length - 1].to];
  svg
    .append("g")
    .attr("class", "axis")
    .attr("transform", `translate(0,${height - margin.bottom})`)
    .call(
      axisBottom(x)
        .tickValues(wide)
        .tickFormat((tick) => humanTime(Number(tick)))
        .tickSize(4),
    );
  svg
    .append("g")
    .attr("class", "axis grid")
    .attr("transform", `translate(${margin.left},0)`)
    .call(
      axisLeft(y)
        .ticks(3, "~s")
        .tickSize(-(width - margin.left - margin.right)),
    );
  pattern(svg, kind);
  const bars = svg
    .selectAll("g.bin")
    .data(bins.filter((bin) => bin.shared + bin.exclusive > 0))
    .join("g")
    .attr("class", `bin ${kind}`);
  const wideOf = (/** @type {Bin} */ bin) => Math.max(1, x(bin.to) - x(bin.from) - 1);
  const column = (/** @type {string} */ name, /** @type {(bin: Bin) => [number, number]} */ span) =>
    bars
      .append("rect")
      .attr("class", name)
      .attr("x", (bin) => x(bin.from))
      .attr("width", wideOf)
      .attr("y", (bin) => y(span(bin)[1]))
      .attr("height", (bin) => {
        const [low, high] = span(bin);
        return high === low ? 0 : Math.max(1.5, y(low) - y(high));
      });
  column("exclusive", (bin) => [0, bin.exclusive]);
  column("shared", (bin) => [bin.exclusive, bin.exclusive + bin.shared]).attr(
    "fill",
    `url(#stripes-${kind})`,
  );
  bars.each(function (bin) {
    tipOn(this, () => [
      `${humanTime(bin.from)} to ${humanTime(bin.to)}`,
      `${counted(bin.exclusive, "exclusive", "exclusive")}, ${counted(bin.shared, "shared", "shared")}`,
    ]);
  });
}

/**
 * Stripes in the colour of the kind.
 * @param {import("d3-selection").Selection<SVGSVGElement, unknown, null, undefined>} svg
 * @param {string} kind
 */
function pattern(svg, kind) {
  const stripes = svg
    .append("defs")
    .append("pattern")
    .attr("id", `stripes-${kind}`)
    .attr("class", kind)
    .attr("width", 6)
    .attr("height", 6)
    .attr("patternUnits", "userSpaceOnUse")
    .attr("patternTransform", "rotate(45)");
  stripes.append("rect").attr("class", "soft").attr("width", 6).attr("height", 6);
  stripes.append("rect").attr("class", "ink").attr("width", 2.5).attr("height", 6);
}
