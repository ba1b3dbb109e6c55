/** What is under the pointer, or has the focus: one box for all pictures. */
import { element, fill } from "../dom.js";

const box = element("div", { class: "tooltip", role: "status", hidden: true });
document.body.append(box);

/**
 * Lines beside a point of the window, inside it.
 * @param {{clientX: number, clientY: number}} point
 * @param {...string} lines the first one stands out
 */
export function showTip({ clientX, clientY }, ...lines) {
  fill(box, ...lines.map((line) => element("div", {}, line)));
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  const beyond = clientX + width + 24 > window.innerWidth;
  box.style.left = `${Math.max(8, beyond ? clientX - width - 14 : clientX + 14)}px`;
  box.style.top = `${Math.min(clientY + 14, window.innerHeight - height - 8)}px`;
}

export function hideTip() {
  box.hidden = true;
}

/**
 * Shows lines while the pointer is on an element, or the keyboard's focus.
 * @param {import("d3-selection").BaseType} on
 * @param {() => string[]} lines
 */
export function tipOn(on, lines) {
  const target = /** @type {Element} */ (on);
  target.addEventListener("pointermove", (event) => showTip(/** @type {PointerEvent} */ (event), ...lines()));
  target.addEventListener("pointerleave", hideTip);
  target.addEventListener("focus", () => {
    const { left, bottom } = target.getBoundingClientRect();
    showTip({ clientX: left, clientY: bottom - 10 }, ...lines());
  });
  target.addEventListener("blur", hideTip);
}
