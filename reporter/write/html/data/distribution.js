/** Many values on a logarithmic axis. */

/** @typedef {import("./model.js").Values} Values */

/**
 * @typedef {object} Bin
 * @property {number} from in nanoseconds
 * @property {number} to
 * @property {number} shared how many samples
 * @property {number} exclusive
 */

const binsPerOctave = 2;

/** @param {number} value */
const binOf = (value) => Math.floor(Math.log2(Math.max(value, 1)) * binsPerOctave);

/** @param {number} bin */
const startOf = (bin) => 2 ** (bin / binsPerOctave);

/**
 * All bins from the first to the last that has samples; none without samples.
 * @param {import("./model.js").Distribution} distribution
 * @returns {Bin[]}
 */
export function binsOf({ shared, exclusive }) {
  const all = [...shared, ...exclusive].map(([value]) => binOf(value));
  if (all.length === 0) return [];
  const first = all.reduce((least, bin) => Math.min(least, bin));
  const last = all.reduce((most, bin) => Math.max(most, bin));
  /** @type {Bin[]} */
  const bins = [];
  for (let bin = first; bin <= last; bin++)
    bins.push({ from: startOf(bin), to: startOf(bin + 1), shared: 0, exclusive: 0 });
  for (const [value, count] of shared) bins[binOf(value) - first].shared += count;
  for (const [value, count] of exclusive) bins[binOf(value) - first].exclusive += count;
  return bins;
}

/**
 * The distributions of several locks as one.
 * @param {import("./model.js").Distribution[]} distributions
 * @returns {import("./model.js").Distribution}
 */
export function together(distributions) {
  return {
    shared: distributions.flatMap((each) => each.shared),
    exclusive: distributions.flatMap((each) => each.exclusive),
  };
}
