/** All locks by time waited, one of them chosen: what the rest of the page is about. */
import { shown, shortPath } from "../data/text.js";
import { counted, humanCount, humanShare, humanTime } from "../data/units.js";
import { element, fill } from "../dom.js";

/** @typedef {import("../data/model.js").Model} Model */
/** @typedef {import("../data/model.js").Lock} Lock */
/** @typedef {import("../store.js").Store} Store */

/** So many are listed at first, and more each time that is asked for. */
const step = 8;

/**
 * @param {Model} model
 * @param {Store} store
 */
export function lockList(model, store) {
  const list = element("div", {
    class: "locks",
    role: "listbox",
    "aria-label": "Locks by time waited",
    onkeydown: walk,
  });
  const more = element("button", {
    type: "button",
    class: "quiet",
    onclick: () => show(shownCount + 5 * step),
  });
  const most_ns = Math.max(1, ...model.locks.slice(0, 1).map((lock) => lock.wait.sum_ns));
  let shownCount = 0;

  /** @param {number} count */
  function show(count) {
    shownCount = Math.min(count, model.locks.length);
    fill(list, ...model.locks.slice(0, shownCount).map((lock) => row(lock, model, most_ns, store)));
    more.hidden = shownCount === model.locks.length;
    more.textContent = `Show more of ${counted(model.locks.length, "lock")}`;
    mark(store.get().lock);
  }

  /** @param {number | null} chosen */
  function mark(chosen) {
    if (chosen !== null && chosen >= shownCount) return show(chosen + 1);
    [...list.children].forEach((child, id) => {
      child.setAttribute("aria-selected", String(id === chosen));
      child.setAttribute("tabindex", id === (chosen ?? 0) ? "0" : "-1");
    });
  }

  /** @param {KeyboardEvent} event */
  function walk(event) {
    const at = [...list.children].indexOf(/** @type {Element} */ (event.target));
    const places = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: shownCount - 1 };
    const to = places[/** @type {keyof typeof places} */ (event.key)];
    if (to !== undefined && list.children[to]) {
      event.preventDefault();
      /** @type {HTMLElement} */ (list.children[to]).focus();
      store.set({ lock: to });
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      store.set({ lock: at });
    }
  }

  show(step);
  store.listen((choice) => mark(choice.lock));
  return element("div", { class: "lock-list" }, list, more);
}

/**
 * @param {Lock} lock
 * @param {Model} model
 * @param {number} most_ns
 * @param {Store} store
 */
function row(lock, model, most_ns, store) {
  const { sum, wait, region } = lock;
  const bar = element("span", { class: "bar-wait" });
  bar.style.width = `${(100 * wait.sum_ns) / most_ns}%`;
  return element(
    "div",
    { class: "lock", role: "option", title: shown(lock.path), onclick: () => store.set({ lock: lock.id }) },
    element(
      "span",
      { class: "lock-line" },
      element("code", {}, shortPath(shown(lock.path), 46)),
      element("span", { class: "lock-time" }, humanTime(wait.sum_ns)),
      element("span", { class: "lock-share" }, humanShare(wait.sum_ns, model.wait_ns)),
    ),
    element("span", { class: "lock-track" }, bar),
    element(
      "span",
      { class: "lock-facts" },
      [
        lock.family,
        `${humanCount(sum.contended)} of ${counted(sum.acquisitions, "acquisition")} contended`,
        wait.count > 0 && `longest wait ${humanTime(wait.max_ns)}`,
        region.count > 0 && `held ${humanTime(region.sum_ns)}`,
      ]
        .filter(Boolean)
        .join(" · "),
    ),
  );
}
