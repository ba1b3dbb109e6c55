/** What the drawn pictures have in common. */
import { select } from "d3-selection";

/**
 * A drawing that fills its parent; `draw` is called with its width whenever that changes, and when it first
 * is known.
 * @param {string} label for those who hear it
 * @param {(svg: import("d3-selection").Selection<SVGSVGElement, unknown, null, undefined>, width: number) => void} draw
 */
export function drawing(label, draw) {
  const frame = document.createElement("div");
  frame.className = "drawing";
  const svg = select(frame).append("svg").attr("role", "img").attr("aria-label", label);
  let width = 0;
  const redraw = () => {
    if (width > 0) draw(svg, width);
  };
  new ResizeObserver(() => {
    if (frame.clientWidth !== width) {
      width = frame.clientWidth;
      redraw();
    }
  }).observe(frame);
  return { frame, redraw, svg };
}

/**
 * So much of a text as fits into a width, roughly; nothing where that says nothing.
 * @param {string} text
 * @param {number} width
 * @param {number} [perCharacter]
 */
export function fitText(text, width, perCharacter = 7.3) {
  const room = Math.floor(width / perCharacter);
  if (text.length <= room) return text;
  return room < 4 ? "" : `${text.slice(0, room - 1)}…`;
}
