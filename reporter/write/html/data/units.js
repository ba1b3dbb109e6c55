/** Numbers as a person reads them; the same words as in the text report. */

/** @type {[number, string][]} */
const units = [
  [1e3, "µs"],
  [1e6, "ms"],
  [1e9, "s"],
];

/**
 * Three digits, "1.25", "12.5", "125"; undefined where that would round up to 1000.
 * @param {number} value
 */
function threeDigits(value) {
  for (const decimals of [2, 1, 0]) {
    const text = value.toFixed(decimals);
    if (Number(text) * 10 ** decimals < 1000) return text;
  }
  return undefined;
}

/**
 * A duration: "312 µs", "1.25 ms"; from two minutes on "2 m 05 s", from two hours on "2 h 05 m".
 * @param {number} ns
 */
export function humanTime(ns) {
  const seconds = Math.round(ns / 1e9);
  if (ns >= 7200e9) {
    const minutes = Math.round(ns / 60e9);
    return `${humanCount(Math.floor(minutes / 60))} h ${String(minutes % 60).padStart(2, "0")} m`;
  }
  if (ns >= 120e9) return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, "0")} s`;
  if (ns < 1000) return `${Math.round(ns)} ns`;
  for (const [size, name] of units) {
    const text = threeDigits(ns / size);
    if (text !== undefined) return `${text} ${name}`;
  }
  return `${seconds} s`;
}

/**
 * "1,234,567"
 * @param {number} count
 */
export function humanCount(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/**
 * part / whole: "97 %", "0.4 %", "<0.1 %"; "-" where the whole is 0.
 * @param {number} part
 * @param {number} whole
 */
export function humanShare(part, whole) {
  if (whole === 0) return "-";
  const percent = (100 * part) / whole;
  if (part === 0) return "0 %";
  if (percent < 0.1) return "<0.1 %";
  return percent < 9.95 ? `${percent.toFixed(1)} %` : `${percent.toFixed(0)} %`;
}

/**
 * "1 lock", "1,234 locks"
 * @param {number} count
 * @param {string} singular
 * @param {string} [plural]
 */
export function counted(count, singular, plural = `${singular}s`) {
  return `${humanCount(count)} ${count === 1 ? singular : plural}`;
}
