/** The bar at the top, and the sentences below it. */
import { headline, waitingOfRun, warnings } from "../data/headline.js";
import { commandText, shown } from "../data/text.js";
import { counted, humanTime } from "../data/units.js";
import { element } from "../dom.js";
import { themeSwitch } from "../theme.js";

/** @typedef {import("../data/model.js").Model} Model */

/**
 * @param {Model} model
 * @param {[id: string, title: string][]} sections
 */
export function topBar(model, sections) {
  return element(
    "div",
    { class: "bar" },
    element("a", { class: "brand", href: "#top" }, "flockstat"),
    element("code", { class: "command" }, commandText(model.run.command)),
    element(
      "nav",
      { "aria-label": "Parts of this report" },
      ...sections.map(([id, title]) => element("a", { href: `#${id}` }, title)),
    ),
    themeSwitch(),
  );
}

/** @param {Model} model */
export function headlineView(model) {
  const { run } = model;
  const tags = /** @type {const} */ ({
    plain: "span",
    wait: "strong",
    hold: "strong",
    path: "code",
    code: "code",
  });
  const sentence = headline(model).map(({ text, kind }) =>
    element(tags[kind], { class: `said-${kind}` }, shown(text)),
  );
  const facts = [
    run.started.replace("T", " ").replace(/\.\d+Z$/, " UTC"),
    run.runs > 1 ? `${counted(run.runs, "run")} together` : "",
    humanTime(run.duration_ns),
    counted(run.processes, "process", "processes"),
    counted(run.threads, "thread"),
    shown(run.host),
  ];
  return element(
    "header",
    { id: "top", class: "headline" },
    element("h1", {}, ...sentence),
    element("p", { class: "lead" }, waitingOfRun(model)),
    ...warnings(model).map((warning) => element("p", { class: "warning" }, warning)),
    element("p", { class: "facts" }, ...facts.filter(Boolean).map((fact) => element("span", {}, fact))),
  );
}
