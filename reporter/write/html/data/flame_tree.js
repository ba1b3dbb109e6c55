/**
 * Stacks with their times -> a tree, outermost frames first, below the locks.
 *
 * @typedef {object} FlameNode
 * @property {string} name
 * @property {number} value nanoseconds, with all that is called from it
 * @property {number | null} lock whose time it is; null: the root
 * @property {FlameNode[]} children the longest first
 */

/** @typedef {import("./model.js").Model} Model */
/** @typedef {"wait_ns" | "hold_ns"} Weight */

/**
 * @param {Model} model
 * @param {Weight} weight
 * @param {boolean} inFull every frame, in place of a few words
 * @returns {FlameNode}
 */
export function flameTree(model, weight, inFull) {
  const root = node("all locks", null);
  /** @type {Map<FlameNode, Map<string, FlameNode>>} */
  const byName = new Map();
  for (const place of model.places) {
    if (place[weight] === 0) continue;
    const frames = inFull && place.frames.length > 0 ? fullNames(place) : place.label;
    let at = root;
    root.value += place[weight];
    // The key of a lock is its number: two families may lock one path.
    for (const [depth, name] of [`${place.lock}`, ...frames].entries()) {
      const children = byName.get(at) ?? new Map();
      byName.set(at, children);
      let next = children.get(name);
      if (!next) {
        next = node(depth === 0 ? model.locks[place.lock].path : name, place.lock);
        children.set(name, next);
        at.children.push(next);
      }
      next.value += place[weight];
      at = next;
    }
  }
  sortByValue(root);
  return root;
}

/** @param {string} name @param {number | null} lock @returns {FlameNode} */
const node = (name, lock) => ({ name, value: 0, lock, children: [] });

/** @param {FlameNode} root */
function sortByValue(root) {
  const open = [root];
  for (let next = open.pop(); next; next = open.pop()) {
    next.children.sort((a, b) => b.value - a.value);
    open.push(...next.children);
  }
}

/** @param {import("./model.js").Place} place outermost first */
function fullNames({ frames }) {
  return [...frames].reverse().map((frame) => {
    if (frame.function === "") return `${frame.module.split("/").pop()}+0x${frame.offset.toString(16)}`;
    return frame.line > 0
      ? `${frame.function} (${frame.file.split("/").pop()}:${frame.line})`
      : frame.function;
  });
}

/**
 * How much of the tree's time is in frames whose name has the text in it, and which nodes those are. Frames
 * that are called from one that was found do not count again.
 * @param {FlameNode} root
 * @param {string} text
 */
export function search(root, text) {
  const wanted = text.toLowerCase();
  /** @type {Set<FlameNode>} */
  const found = new Set();
  let value = 0;
  /** @param {FlameNode} at @param {boolean} inside */
  function visit(at, inside) {
    const hit = at.lock !== null && at.name.toLowerCase().includes(wanted);
    if (hit) found.add(at);
    if (hit && !inside) value += at.value;
    for (const child of at.children) visit(child, inside || hit);
  }
  if (wanted !== "") visit(root, false);
  return { found, value };
}
