/** Paints the timeline's lanes onto a canvas. Bars that share a pixel are painted once. */
import { firstBar, kinds } from "../data/timeline.js";
import { shown } from "../data/text.js";
import { humanTime } from "../data/units.js";
import { color } from "../theme.js";
import { fitText } from "./svg.js";

export const laneHeight = 22;
export const axisHeight = 24;

/** Room for the names of lanes. @param {number} width */
export const nameWidth = (width) => Math.min(230, Math.round(width * 0.26));

/**
 * @typedef {object} Picture
 * @property {import("../data/model.js").Model} model
 * @property {import("../data/timeline.js").Columns} columns
 * @property {import("../data/timeline.js").Lane[]} lanes
 * @property {number} width
 * @property {number} height
 * @property {import("d3-scale").ScaleLinear<number, number>} x nanoseconds -> pixels
 * @property {number} top pixels that are scrolled away
 * @property {number} chosenBar
 * @property {number | null} chosenLock
 * @property {(bar: number) => number} lockOf
 */

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Picture} picture
 */
export function paintTimeline(pen, picture) {
  const { width, height, lanes, top } = picture;
  const colors = {
    wait: color("--wait"),
    hold: color("--hold"),
    ink: color("--ink"),
    faint: color("--faint"),
    line: color("--line"),
    card: color("--card"),
  };
  pen.clearRect(0, 0, width, height);
  pen.font = `12px ${getComputedStyle(document.documentElement).getPropertyValue("--mono")}`;
  pen.textBaseline = "middle";
  const first = Math.floor(top / laneHeight);
  const last = Math.min(lanes.length, Math.ceil((top + height) / laneHeight));
  pen.save();
  pen.beginPath();
  pen.rect(0, axisHeight, width, height);
  pen.clip();
  for (let lane = first; lane < last; lane++) paintLane(pen, picture, lane, colors);
  paintJoin(pen, picture, colors);
  pen.restore();
  paintAxis(pen, picture, colors);
}

/** The middle of a lane. @param {Picture} picture @param {number} lane */
const middleOf = ({ top }, lane) => axisHeight + lane * laneHeight - top + laneHeight / 2;

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Picture} picture
 * @param {number} number
 * @param {Record<string, string>} colors
 */
function paintLane(pen, picture, number, colors) {
  const { model, lanes, width } = picture;
  const left = nameWidth(width);
  const middle = middleOf(picture, number);
  pen.fillStyle = colors.line;
  pen.fillRect(0, middle + laneHeight / 2 - 0.5, width, 0.5);
  // Waits lie upon holds.
  paintBars(pen, picture, number, colors, true);
  paintBars(pen, picture, number, colors, false);
  pen.fillStyle = colors.card;
  pen.fillRect(0, middle - laneHeight / 2, left - 4, laneHeight - 1);
  pen.fillStyle = colors.faint;
  pen.fillText(fitText(laneName(model, lanes[number], lanes[number - 1]), left - 12), 0, middle);
}

/**
 * A lane's holds, or all the others. Bars of one look that touch or share a pixel are painted as one, and nothing is
 * asked of the scale for each: there may be as many as a recording holds.
 * @param {CanvasRenderingContext2D} pen
 * @param {Picture} picture
 * @param {number} number
 * @param {Record<string, string>} colors
 * @param {boolean} holds
 */
function paintBars(pen, picture, number, colors, holds) {
  const { columns, lanes, width, x, chosenLock, lockOf } = picture;
  const { start, length } = columns;
  const { bars } = lanes[number];
  const left = nameWidth(width);
  const middle = middleOf(picture, number);
  const [from_ns, to_ns] = [x.invert(left), x.invert(width)];
  const pixels_per_ns = (width - left) / (to_ns - from_ns);
  const look = { kind: -1, tall: 0, alpha: 1, begin: 0, end: 0, middle };
  const flush = () => {
    if (look.kind < 0) return;
    pen.globalAlpha = look.alpha;
    paintBar(pen, colors, look);
  };
  let chosen = -1;
  for (let i = firstBar(columns, lanes[number], from_ns); i < bars.length; i++) {
    const bar = bars[i];
    if (start[bar] > to_ns) break;
    const kind = columns.kind[bar];
    if ((kind === kinds.hold) !== holds || start[bar] + length[bar] < from_ns) continue;
    const begin = Math.max(left, left + (start[bar] - from_ns) * pixels_per_ns);
    const end = Math.max(begin + 1, left + (start[bar] + length[bar] - from_ns) * pixels_per_ns);
    if (bar === picture.chosenBar) chosen = bar;
    const tall = tallOf(kind, columns.exclusive[bar] === 1);
    const alpha = chosenLock === null || lockOf(bar) === chosenLock ? 1 : 0.22;
    if (kind === look.kind && tall === look.tall && alpha === look.alpha && begin <= look.end + 0.5) {
      look.end = Math.max(look.end, end);
    } else if (kind !== look.kind || end > look.end) {
      flush();
      look.kind = kind;
      look.tall = tall;
      look.alpha = alpha;
      look.begin = begin;
      look.end = end;
    }
  }
  flush();
  pen.globalAlpha = 1;
  if (chosen >= 0)
    outline(pen, colors.ink, Math.max(left, x(start[chosen])), x(start[chosen] + length[chosen]), middle);
}

/**
 * Holds are full, waits a band in the middle; shared ones lower than exclusive ones.
 * @param {number} kind
 * @param {boolean} exclusive
 */
const tallOf = (kind, exclusive) => (kind === kinds.hold ? 14 : 6) - (exclusive ? 0 : 3);

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Record<string, string>} colors
 * @param {{kind: number, begin: number, end: number, middle: number, tall: number}} bar in pixels
 */
function paintBar(pen, colors, { kind, begin, end, middle, tall }) {
  if (kind === kinds.givenUp || kind === kinds.blocked) {
    pen.strokeStyle = colors.wait;
    pen.strokeRect(begin + 0.5, middle - 3, Math.max(0.5, end - begin - 1), 6);
  } else {
    pen.fillStyle = kind === kinds.hold ? colors.hold : colors.wait;
    pen.fillRect(begin, middle - tall / 2, end - begin, tall);
  }
}

/**
 * Around a bar, whatever its kind.
 * @param {CanvasRenderingContext2D} pen
 * @param {string} ink
 * @param {number} begin
 * @param {number} end
 * @param {number} middle
 */
function outline(pen, ink, begin, end, middle) {
  pen.strokeStyle = ink;
  pen.lineWidth = 2;
  pen.strokeRect(begin - 1, middle - 9, Math.max(3, end - begin + 2), 18);
  pen.lineWidth = 1;
}

/**
 * The process where its lanes begin; below it only the threads.
 * @param {import("../data/model.js").Model} model
 * @param {import("../data/timeline.js").Lane} lane
 * @param {import("../data/timeline.js").Lane | undefined} above
 */
function laneName(model, lane, above) {
  const process = model.report.processes[lane.process];
  if (!process) return "unknown process";
  if (above?.process === lane.process) return `  thread ${lane.thread}`;
  const command =
    process.command.length > 0
      ? process.command.map((/** @type {string} */ word) => word.split("/").pop())
      : [process.exe];
  return `${process.pid} ${shown(command.join(" "))}`;
}

/**
 * The chosen wait's blocker: an outline around it, and a line from its end to that of the wait.
 * @param {CanvasRenderingContext2D} pen
 * @param {Picture} picture
 * @param {Record<string, string>} colors
 */
function paintJoin(pen, picture, colors) {
  const { columns, lanes, chosenBar, x, width } = picture;
  const blocker = chosenBar < 0 ? -1 : columns.blocker[chosenBar];
  if (blocker < 0) return;
  const laneOf = (/** @type {number} */ bar) =>
    lanes.findIndex((lane) => lane.process === columns.process[bar] && lane.thread === columns.thread[bar]);
  const [begin, end] = [x(columns.start[blocker]), x(columns.start[blocker] + columns.length[blocker])];
  const from = middleOf(picture, laneOf(blocker));
  const to = middleOf(picture, laneOf(chosenBar));
  const at = Math.max(
    nameWidth(width),
    Math.min(end, x(columns.start[chosenBar] + columns.length[chosenBar])),
  );
  outline(pen, colors.ink, begin, end, from);
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.moveTo(at, from + (to > from ? 9 : -9));
  pen.lineTo(at, to + (to > from ? -4 : 4));
  pen.stroke();
  pen.fillStyle = colors.ink;
  pen.beginPath();
  pen.arc(at, to, 3.5, 0, 2 * Math.PI);
  pen.fill();
  pen.lineWidth = 1;
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Picture} picture
 * @param {Record<string, string>} colors
 */
function paintAxis(pen, { x, width, height }, colors) {
  const left = nameWidth(width);
  pen.fillStyle = colors.card;
  pen.fillRect(0, 0, width, axisHeight);
  pen.fillStyle = colors.faint;
  for (const tick of x.ticks(Math.max(2, Math.floor((width - left) / 130)))) {
    if (x(tick) < left) continue;
    const label = `+${humanTime(tick)}`;
    if (x(tick) + 3 + pen.measureText(label).width <= width) pen.fillText(label, x(tick) + 3, axisHeight / 2);
    pen.globalAlpha = 0.35;
    pen.fillRect(x(tick), 4, 0.5, height);
    pen.globalAlpha = 1;
  }
}
