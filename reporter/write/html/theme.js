/** Light or dark: as the system has it, until the reader says otherwise. */
import { element } from "./dom.js";

/** Called after the colours changed: what is painted on a canvas must be painted anew. @type {(() => void)[]} */
const listeners = [];

/** @param {() => void} listener */
export function onThemeChange(listener) {
  listeners.push(listener);
}

const systemDark = window.matchMedia("(prefers-color-scheme: dark)");
systemDark.addEventListener("change", () => listeners.forEach((listener) => listener()));

const isDark = () =>
  (document.documentElement.dataset.theme ?? (systemDark.matches ? "dark" : "light")) === "dark";

/** The button that turns it round. */
export function themeSwitch() {
  const label = () => (isDark() ? "Light" : "Dark");
  const button = element("button", { type: "button", class: "quiet", id: "theme", onclick: turn }, label());
  function turn() {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    button.textContent = label();
    listeners.forEach((listener) => listener());
  }
  systemDark.addEventListener("change", () => (button.textContent = label()));
  return button;
}

/**
 * The value of a colour of the style sheet, for a canvas.
 * @param {string} name "--wait"
 */
export function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}
