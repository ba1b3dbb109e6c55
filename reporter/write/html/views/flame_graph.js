/** Where in the code the time went: a flame graph of waiting, and one of holding. */
import { hierarchy, partition } from "d3-hierarchy";
import { flameTree, search } from "../data/flame_tree.js";
import { shown } from "../data/text.js";
import { humanShare, humanTime } from "../data/units.js";
import { element, fill, section } from "../dom.js";
import { drawing, fitText } from "./svg.js";
import { hideTip, tipOn } from "./tooltip.js";

/** @typedef {import("../data/model.js").Model} Model */
/** @typedef {import("../data/flame_tree.js").FlameNode} FlameNode */
/** @typedef {import("d3-hierarchy").HierarchyRectangularNode<FlameNode>} Box */

const rowHeight = 22;

/**
 * @param {Model} model
 * @param {import("../store.js").Store} store
 */
export function flameGraphs(model, store) {
  const field = element("input", {
    type: "search",
    placeholder: "Search functions and files",
    "aria-label": "Search in the flame graphs",
    oninput: () => graphs.forEach((graph) => graph.find(field.value)),
  });
  const full = element(
    "button",
    { type: "button", class: "quiet", "aria-pressed": "false", onclick: toggle },
    "Every frame",
  );
  const graphs = [
    flameGraph(model, store, "wait_ns", "Waiting"),
    flameGraph(model, store, "hold_ns", "Holding"),
  ];
  function toggle() {
    const inFull = full.getAttribute("aria-pressed") === "false";
    full.setAttribute("aria-pressed", String(inFull));
    graphs.forEach((graph) => graph.grow(inFull));
    graphs.forEach((graph) => graph.find(field.value));
  }
  return section(
    "code",
    "From which code",
    "Outermost calls on top, below the lock; wide is long. Click a frame to zoom in and choose its lock, the top one to zoom out.",
    element("div", { class: "tools" }, field, full),
    ...graphs.map((graph) => graph.figure),
  );
}

/**
 * @param {Model} model
 * @param {import("../store.js").Store} store
 * @param {import("../data/flame_tree.js").Weight} weight
 * @param {string} title
 */
function flameGraph(model, store, weight, title) {
  let tree = flameTree(model, weight, false);
  let root = layOut(tree);
  /** @type {Box} */
  let zoomed = root;
  /** @type {Set<FlameNode>} */
  let found = new Set();
  const note = element("span", { class: "quiet-text" });
  const { frame, redraw } = drawing(`${title}, by code`, (svg, width) => draw(svg, width));

  /** @param {Box} box */
  function zoom(box) {
    hideTip();
    zoomed = box;
    if (box.data.lock !== null) store.set({ lock: box.data.lock });
    redraw();
    const focus = frame.querySelector("g.frame.zoomed");
    if (frame.contains(document.activeElement) || document.activeElement === document.body)
      /** @type {SVGGElement | null} */ (focus)?.focus({ preventScroll: true });
  }

  /**
   * @param {import("d3-selection").Selection<SVGSVGElement, unknown, null, undefined>} svg
   * @param {number} width
   */
  function draw(svg, width) {
    const scale = width / (zoomed.x1 - zoomed.x0);
    const x = (/** @type {number} */ value) => Math.min(width, Math.max(0, (value - zoomed.x0) * scale));
    const boxes = visible(root, zoomed, 0.6 / scale);
    const chosen = store.get().lock;
    svg.attr("width", width).attr("height", (Math.max(0, ...boxes.map((box) => box.depth)) + 1) * rowHeight);
    svg.selectAll("*").remove();
    const frames = svg
      .selectAll("g")
      .data(boxes)
      .join("g")
      .attr(
        "class",
        (box) => `frame ${weight === "wait_ns" ? "wait" : "hold"}${box.depth === 0 ? " root" : ""}`,
      )
      .classed("zoomed", (box) => box === zoomed)
      .classed("found", (box) => found.has(box.data))
      .classed("dim", (box) =>
        found.size > 0 ? !found.has(box.data) : chosen !== null && box.data.lock !== chosen,
      )
      .attr("transform", (box) => `translate(${x(box.x0)},${box.depth * rowHeight})`)
      .attr("tabindex", (box) => (box === zoomed ? 0 : -1))
      .attr("role", "button")
      .attr("aria-label", (box) => `${shown(box.data.name)}, ${humanTime(box.data.value)}`)
      .on("click", (_, box) => zoom(box))
      .on("keydown", (event, box) => walk(event, box));
    frames
      .append("rect")
      .attr("width", (box) => Math.max(0.6, x(box.x1) - x(box.x0) - 1))
      .attr("height", rowHeight - 1)
      .attr("rx", 2);
    frames
      .append("text")
      .attr("x", 5)
      .attr("y", 15)
      .text((box) => fitText(shown(box.data.name), x(box.x1) - x(box.x0) - 8));
    frames.each(function (box) {
      tipOn(this, () => [
        shown(box.data.name),
        `${humanTime(box.data.value)}, ${humanShare(box.data.value, tree.value)} of all ${title.toLowerCase()}`,
        box.data.lock === null ? "" : shown(model.locks[box.data.lock].path),
      ]);
    });

    /** @param {KeyboardEvent} event @param {Box} box */
    function walk(event, box) {
      const rows = boxes.filter((other) => other.depth === box.depth);
      const to = {
        ArrowUp: box.parent,
        ArrowDown: box.children?.[0],
        ArrowLeft: rows[rows.indexOf(box) - 1],
        ArrowRight: rows[rows.indexOf(box) + 1],
      }[event.key];
      if (event.key === "Enter") zoom(box);
      else if (!to) return;
      else
        frames
          .filter((other) => other === to)
          .each(function () {
            /** @type {SVGGElement} */ (this).focus();
          });
      event.preventDefault();
    }
  }

  store.listen(() => redraw());
  fill(note, humanTime(tree.value));
  return {
    figure: element(
      "figure",
      { class: "card flame" },
      element("figcaption", {}, element("h3", {}, title), note),
      frame,
    ),
    /** @param {string} text */
    find(text) {
      const result = search(tree, text);
      found = result.found;
      fill(
        note,
        text === ""
          ? humanTime(tree.value)
          : `${humanTime(result.value)} of ${humanTime(tree.value)} in what was found`,
      );
      redraw();
    },
    /** @param {boolean} inFull */
    grow(inFull) {
      tree = flameTree(model, weight, inFull);
      root = layOut(tree);
      zoomed = root;
      redraw();
    },
  };
}

/** @param {FlameNode} tree */
function layOut(tree) {
  const root = hierarchy(tree);
  // Each node has its own time already: what is not its children's is its own.
  /** @type {any} */ (root).each((/** @type {any} */ node) => (node.value = node.data.value));
  return (
    partition().size([1, 1])(/** @type {any} */ (root)) && /** @type {Box} */ (/** @type {any} */ (root))
  );
}

/**
 * What there is to draw: the boxes above the zoomed one, and those below it that are wide enough.
 * @param {Box} root
 * @param {Box} zoomed
 * @param {number} least
 */
function visible(root, zoomed, least) {
  const boxes = zoomed.ancestors().reverse();
  const open = [...(zoomed.children ?? [])].reverse();
  for (let next = open.pop(); next; next = open.pop()) {
    if (next.x1 - next.x0 < least) continue;
    boxes.push(next);
    open.push(...[...(next.children ?? [])].reverse());
  }
  return boxes[0] === root ? boxes : [root, ...boxes];
}
