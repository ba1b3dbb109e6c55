/** The chosen lock: its numbers, and who waits behind whom. */
import { shown } from "../data/text.js";
import { counted, humanCount, humanShare, humanTime } from "../data/units.js";
import { element, fill } from "../dom.js";

/** @typedef {import("../data/model.js").Model} Model */
/** @typedef {import("../data/model.js").Lock} Lock */
/** @typedef {import("../data/model.js").Blame} Blame */
/** @typedef {import("../store.js").Store} Store */

/** So many pairs say who waits behind whom; the matrix has all of them. */
const pairsShown = 5;

/**
 * @param {Model} model
 * @param {Store} store
 */
export function lockSummary(model, store) {
  const panel = element("div", { class: "panel", "aria-live": "polite", id: "chosen" });
  store.listen(({ lock }) => {
    const chosen = lock === null ? undefined : model.locks[lock];
    const pairs = model.blame.filter((pair) => !chosen || pair.lock === chosen.id);
    const title = chosen
      ? element("h2", { class: "path" }, shown(chosen.path))
      : element("h2", {}, `All ${counted(model.locks.length, "lock")}`);
    fill(
      panel,
      element(
        "div",
        { class: "panel-head" },
        title,
        chosen && model.locks.length > 1
          ? element(
              "button",
              { type: "button", class: "quiet", onclick: () => store.set({ lock: null }) },
              "All locks",
            )
          : null,
      ),
      chosen ? identity(chosen) : null,
      chosen ? figures(chosen) : null,
      whoWaits(model, pairs, chosen),
    );
  });
  return panel;
}

/** @param {Lock} lock */
function identity({ family, filesystem, files, sum }) {
  const parts = [`${family} lock on ${filesystem}`];
  if (files > 1) parts.push(`${humanCount(files)} files that followed one another at this path`);
  else parts.push(`device ${sum.device}, inode ${sum.inode}`);
  if (sum.held_by.length > 0)
    parts.push(
      `still held by ${sum.held_by.map((/** @type {any} */ holder) => `pid ${holder.pid}`).join(", ")}`,
    );
  return element("p", { class: "facts" }, ...parts.map((part) => element("span", {}, shown(part))));
}

/** @param {Lock} lock */
function figures({ sum, wait, region, overshoot }) {
  /** @type {[string, string, string, string?][]} */
  const all = [
    [
      "Waited",
      humanTime(wait.sum_ns),
      wait.count > 0
        ? `median ${humanTime(wait.p50_ns)}, longest ${humanTime(wait.max_ns)}`
        : "nobody had to",
      "wait",
    ],
    [
      "Contended",
      humanShare(sum.contended, sum.acquisitions),
      `${humanCount(sum.contended)} of ${counted(sum.acquisitions, "acquisition")}`,
    ],
    [
      "Held",
      humanTime(region.sum_ns),
      region.count > 0
        ? `median ${humanTime(region.p50_ns)}, longest ${humanTime(region.max_ns)}`
        : "no end was seen",
      "hold",
    ],
  ];
  if (sum.polled > 0)
    all.push([
      "Polling added",
      humanTime(overshoot.sum_ns),
      `${humanCount(sum.polled)} polled, ${counted(sum.refused, "refusal")}`,
    ]);
  if (sum.abandoned > 0)
    all.push(["Given up", humanCount(sum.abandoned), `after ${humanTime(sum.abandoned_ns)} in all`]);
  return element(
    "dl",
    { class: "figures" },
    ...all.map(([name, value, note, kind]) =>
      element(
        "div",
        {},
        element("dt", {}, name),
        element("dd", { class: kind }, value),
        element("dd", { class: "note" }, note),
      ),
    ),
  );
}

/**
 * @param {Model} model
 * @param {Blame[]} pairs
 * @param {Lock | undefined} chosen
 */
function whoWaits(model, pairs, chosen) {
  const whole_ns = chosen ? chosen.wait.sum_ns : model.wait_ns;
  if (pairs.length === 0) return element("p", { class: "quiet-text" }, "Nobody waited.");
  const rest_ns = pairs.slice(pairsShown).reduce((sum, pair) => sum + pair.wait_ns, 0);
  return element(
    "div",
    { class: "pairs" },
    element("h3", {}, "Who waited, behind whom"),
    element("ol", {}, ...pairs.slice(0, pairsShown).map((pair) => pairRow(model, pair, whole_ns, !chosen))),
    rest_ns > 0
      ? element(
          "p",
          { class: "quiet-text" },
          `${counted(pairs.length - pairsShown, "more pair")}, ${humanTime(rest_ns)}: `,
          element("a", { href: "#blame" }, "see the matrix"),
        )
      : null,
  );
}

/**
 * @param {Model} model
 * @param {Blame} pair
 * @param {number} whole_ns
 * @param {boolean} withLock
 */
function pairRow(model, { lock, waiter, holder, waits, wait_ns }, whole_ns, withLock) {
  const bar = element("span", { class: "bar-wait" });
  bar.style.width = `${(100 * wait_ns) / whole_ns}%`;
  const stack = (/** @type {number} */ place) => model.places[place].label.map(shown).join("\n");
  return element(
    "li",
    {},
    element(
      "span",
      { class: "pair-time" },
      element("b", {}, humanTime(wait_ns)),
      ` ${humanShare(wait_ns, whole_ns)}, ${counted(waits, "wait")}`,
    ),
    element("span", { class: "lock-track" }, bar),
    element(
      "span",
      { class: "pair-code" },
      element("i", {}, "waits at"),
      element("code", { class: "said-wait", title: stack(waiter) }, stackLine(model.places[waiter])),
    ),
    element(
      "span",
      { class: "pair-code" },
      element("i", {}, "behind"),
      holder === null
        ? element("span", { class: "quiet-text" }, "nobody of this run: it was free, or held outside")
        : element("code", { class: "said-hold", title: stack(holder) }, stackLine(model.places[holder])),
    ),
    withLock
      ? element(
          "span",
          { class: "pair-code" },
          element("i", {}, "for"),
          element("code", {}, shown(model.locks[lock].path)),
        )
      : null,
  );
}

/**
 * A place and what called it: "commit (db.c:42) ‹ main".
 * @param {import("../data/model.js").Place} place
 */
function stackLine({ label, name }) {
  const outwards = label.slice(0, label.lastIndexOf(name) + 1).reverse();
  return outwards.slice(0, 2).map(shown).join(" ‹ ") + (outwards.length > 2 ? " ‹ …" : "");
}
