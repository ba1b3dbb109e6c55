/** When it happened: a lane for each thread, on a canvas that is panned and zoomed. */
import { scaleLinear } from "d3-scale";
import { select } from "d3-selection";
import { zoom as zoomBehaviour, zoomIdentity } from "d3-zoom";
import { barAt, kinds, lanesOf } from "../data/timeline.js";
import { shown } from "../data/text.js";
import { counted, humanTime } from "../data/units.js";
import { element, fill, section } from "../dom.js";
import { onThemeChange } from "../theme.js";
import { axisHeight, laneHeight, nameWidth, paintTimeline } from "./timeline_paint.js";
import { hideTip, showTip } from "./tooltip.js";

/** @typedef {import("../data/model.js").Model} Model */
/** @typedef {import("../data/timeline.js").Lane} Lane */

/** So many lanes are seen at once; the rest is scrolled to. */
const lanesShown = 22;

/**
 * @param {Model} model
 * @param {import("../store.js").Store} store
 */
export function timeline(model, store) {
  const columns = model.extras.timeline;
  const { lockOfFile } = model;
  const lanes = lanesOf(columns);
  const end_ns = columns.start.reduce(
    (/** @type {number} */ most, /** @type {number} */ start, /** @type {number} */ bar) =>
      Math.max(most, start + columns.length[bar]),
    1,
  );
  const canvas = element("canvas", {
    tabindex: "0",
    role: "img",
    "aria-label":
      "Waits and holds over time. Arrow keys move it, plus and minus zoom, n and p go from wait to wait.",
    onkeydown: onKey,
  });
  const frame = element(
    "div",
    { class: "timeline-frame", onscroll: () => schedule() },
    element("div", { class: "timeline-room" }, canvas),
  );
  const detail = element("p", { class: "quiet-text timeline-detail", "aria-live": "polite" });
  const reset = element(
    "button",
    { type: "button", class: "quiet", onclick: () => zoomBy(zooming.transform, zoomIdentity) },
    "Whole run",
  );
  let transform = zoomIdentity;
  let width = 0;
  let chosenBar = -1;
  let waiting = false;

  const rows = Math.min(lanes.length, lanesShown);
  const height = rows * laneHeight + axisHeight;
  frame.style.maxHeight = `${height}px`;
  /** @type {HTMLElement} */ (frame.firstElementChild).style.height =
    `${lanes.length * laneHeight + axisHeight}px`;

  const scale = () =>
    transform.rescaleX(
      scaleLinear()
        .domain([0, end_ns])
        .range([nameWidth(width), width - 8]),
    );
  const zooming = zoomBehaviour()
    .filter((event) => event.type !== "wheel" || event.ctrlKey || event.shiftKey || event.altKey)
    .on("zoom", (event) => {
      transform = event.transform;
      schedule();
    });
  select(/** @type {Element} */ (canvas)).call(/** @type {any} */ (zooming));

  /** @param {any} deed of `zooming` @param {...unknown} values */
  const zoomBy = (deed, ...values) => select(canvas).call(deed, ...values);

  function schedule() {
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        paint();
      });
    }
  }

  function paint() {
    if (width === 0) return;
    const ratio = window.devicePixelRatio;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const lockOf = (/** @type {number} */ bar) => lockOfFile[columns.lock[bar]];
    paintTimeline(pen, {
      model,
      columns,
      lanes,
      width,
      height,
      x: scale(),
      top: frame.scrollTop,
      chosenBar,
      chosenLock: store.get().lock,
      lockOf,
    });
  }

  /** @param {number} bar */
  function linesOf(bar) {
    const site = columns.site[bar];
    /** @type {Record<number, string>} */
    const verbs = {
      [kinds.hold]: "held",
      [kinds.wait]: "waited",
      [kinds.givenUp]: "tried in vain",
      [kinds.blocked]: "still waited",
    };
    const blocker = columns.blocker[bar];
    const process = model.report.processes[columns.process[bar]];
    return [
      `${verbs[columns.kind[bar]]} ${humanTime(columns.length[bar])}, ${columns.exclusive[bar] ? "exclusive" : "shared"}, at +${humanTime(columns.start[bar])}`,
      shown(model.locks[lockOfFile[columns.lock[bar]]].path),
      site >= 0 ? `at ${shown(model.places[model.placeOfSite[site]].name)}` : "",
      process ? `pid ${process.pid}, thread ${columns.thread[bar]}` : "",
      blocker >= 0
        ? `behind ${humanTime(columns.length[blocker])} at ${columns.site[blocker] >= 0 ? shown(model.places[model.placeOfSite[columns.site[blocker]]].name) : "code that is not known"}`
        : "",
    ].filter(Boolean);
  }

  /** @param {PointerEvent | MouseEvent} event */
  function barUnder(event) {
    const box = canvas.getBoundingClientRect();
    const lane = lanes[Math.floor((event.clientY - box.top + frame.scrollTop - axisHeight) / laneHeight)];
    const x = scale();
    if (!lane || event.clientX - box.left < nameWidth(width) || event.clientY - box.top < axisHeight)
      return -1;
    return barAt(columns, lane, x.invert(event.clientX - box.left), x.invert(3) - x.invert(0));
  }

  /** @param {number} bar */
  function choose(bar) {
    chosenBar = bar;
    fill(detail, bar < 0 ? "" : linesOf(bar).join(" · "));
    if (bar >= 0) store.set({ lock: lockOfFile[columns.lock[bar]] });
    schedule();
  }

  canvas.addEventListener("pointermove", (event) => {
    const bar = barUnder(event);
    canvas.style.cursor = bar < 0 ? "grab" : "pointer";
    if (bar < 0) hideTip();
    else showTip(event, ...linesOf(bar));
  });
  canvas.addEventListener("pointerleave", hideTip);
  canvas.addEventListener("click", (event) => choose(barUnder(event)));

  /** The waits of the chosen lock, or all. @param {number} direction */
  function goToWait(direction) {
    const { lock } = store.get();
    for (let bar = chosenBar + direction; bar >= 0 && bar < columns.start.length; bar += direction)
      if (columns.kind[bar] !== kinds.hold && (lock === null || lockOfFile[columns.lock[bar]] === lock)) {
        choose(bar);
        const row = lanes.findIndex(
          (lane) => lane.process === columns.process[bar] && lane.thread === columns.thread[bar],
        );
        frame.scrollTop = Math.max(0, (row - 3) * laneHeight);
        const at = scale()(columns.start[bar] + columns.length[bar] / 2);
        if (at < nameWidth(width) || at > width)
          zoomBy(zooming.translateBy, (width / 2 - at) / transform.k, 0);
        return;
      }
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    /** @type {Record<string, () => void>} */
    const deeds = {
      ArrowLeft: () => zoomBy(zooming.translateBy, 80 / transform.k, 0),
      ArrowRight: () => zoomBy(zooming.translateBy, -80 / transform.k, 0),
      ArrowUp: () => (frame.scrollTop -= laneHeight * 3),
      ArrowDown: () => (frame.scrollTop += laneHeight * 3),
      "+": () => zoomBy(zooming.scaleBy, 1.5),
      "=": () => zoomBy(zooming.scaleBy, 1.5),
      "-": () => zoomBy(zooming.scaleBy, 1 / 1.5),
      0: () => zoomBy(zooming.transform, zoomIdentity),
      n: () => goToWait(1),
      p: () => goToWait(-1),
    };
    const deed = event.ctrlKey || event.metaKey ? undefined : deeds[event.key];
    if (deed) {
      event.preventDefault();
      deed();
    }
  }

  new ResizeObserver(() => {
    width = frame.clientWidth;
    zooming
      .scaleExtent([1, Math.max(8, end_ns / 2e3)])
      .extent([
        [nameWidth(width), 0],
        [width - 8, height],
      ])
      .translateExtent([
        [nameWidth(width), 0],
        [width - 8, height],
      ]);
    schedule();
  }).observe(frame);
  store.listen(schedule);
  onThemeChange(schedule);
  return section(
    "timeline",
    "When",
    `A lane for each thread, those that waited the longest first. Drag to move, hold Ctrl or Shift and turn the wheel to zoom; a click on a wait shows the hold it was behind. ${counted(columns.start.length, "bar")}: every contended acquisition, and the holds that others waited for or that were long.`,
    lanes.length === 0
      ? element("p", { class: "quiet-text" }, "Nothing that was out of the ordinary.")
      : element("div", { class: "card" }, element("div", { class: "tools" }, legend(), reset), frame, detail),
  );
}

function legend() {
  const entry = (/** @type {string} */ kind, /** @type {string} */ text) =>
    element("span", {}, element("i", { class: `swatch ${kind}` }), text);
  return element(
    "span",
    { class: "legend" },
    entry("wait", "waits"),
    entry("hold", "holds"),
    entry("given-up", "given up, or never granted"),
  );
}
