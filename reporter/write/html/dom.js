/** Elements, made without markup: text is always text, whatever is in it. */

/**
 * @typedef {Node | string | null | undefined | false} Child what is not there is left out
 */

/**
 * An element. Attributes that are undefined, null or false are left out; those named on... are listeners.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  fill(made, ...children);
  return made;
}

/**
 * Puts these in the place of what the parent holds.
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren(
    .../** @type {(Node | string)[]} */ (
      children.filter((child) => child !== null && child !== undefined && child !== false)
    ),
  );
}

/**
 * A part of the page with a heading.
 * @param {string} id
 * @param {string} title
 * @param {string} lead what one sees there, in a sentence
 * @param {...Child} children
 */
export function section(id, title, lead, ...children) {
  return element(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    element(
      "header",
      { class: "section-head" },
      element("h2", { id: `${id}-title` }, title),
      element("p", { class: "lead" }, lead),
    ),
    ...children,
  );
}

/**
 * A table of plain cells; numbers stand to the right.
 * @param {string[]} headings a leading ">" aligns the column to the right
 * @param {Child[][]} rows
 * @param {string} [caption] for those who hear it
 */
export function table(headings, rows, caption) {
  const right = headings.map((heading) => heading.startsWith(">"));
  const cell = (/** @type {"td" | "th"} */ tag, /** @type {Child} */ content, /** @type {number} */ column) =>
    element(
      tag,
      { class: right[column] ? "number" : undefined, scope: tag === "th" ? "col" : undefined },
      content,
    );
  return element(
    "div",
    { class: "table-frame", tabindex: "0", role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element(
        "thead",
        {},
        element("tr", {}, ...headings.map((heading, i) => cell("th", heading.replace(/^>/, ""), i))),
      ),
      element(
        "tbody",
        {},
        ...rows.map((row) => element("tr", {}, ...row.map((content, i) => cell("td", content, i)))),
      ),
    ),
  );
}
