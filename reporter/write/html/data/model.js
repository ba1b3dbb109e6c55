/**
 * The report's JSON and the writer's extras -> what the page shows. Times are nanoseconds.
 *
 * @typedef {object} Stat
 * @property {number} count
 * @property {number} sum_ns
 * @property {number} mean_ns
 * @property {number} min_ns
 * @property {number} max_ns
 * @property {number} value_ns
 * @property {number} p50_ns
 * @property {number} p90_ns
 * @property {number} p99_ns
 *
 * @typedef {object} Frame
 * @property {string} function
 * @property {string} file
 * @property {number} line
 * @property {string} module
 * @property {number} offset
 * @property {string | null} language
 *
 * @typedef {[value: number, count: number][]} Values
 * @typedef {{shared: Values, exclusive: Values}} Distribution
 *
 * @typedef {object} Lock one path and family: files that followed one another there are one
 * @property {number} id its place in Model.locks
 * @property {string} path
 * @property {string} family
 * @property {string} filesystem
 * @property {number} files
 * @property {Record<string, any>} sum as a lock of the report
 * @property {Stat} wait
 * @property {Stat} region
 * @property {Stat} overshoot
 * @property {Distribution} waits
 * @property {Distribution} holds
 *
 * @typedef {object} Place code that takes a lock: one stack
 * @property {number} id its place in Model.places
 * @property {number} lock
 * @property {Frame[]} frames innermost first
 * @property {string[]} label its frames in short, outermost first
 * @property {string} name the innermost of them that has a name; of Python the innermost of the program's own
 * @property {number} waits
 * @property {number} wait_ns
 * @property {number} holds
 * @property {number} hold_ns
 *
 * @typedef {object} Blame
 * @property {number} lock
 * @property {number} waiter a place
 * @property {number | null} holder a place; null: nobody of the run, as far as is known
 * @property {number} waits
 * @property {number} wait_ns
 *
 * @typedef {object} Model
 * @property {Record<string, any>} run
 * @property {Record<string, any>} report the whole JSON report
 * @property {Record<string, any>} extras
 * @property {Lock[]} locks by time waited
 * @property {Place[]} places
 * @property {number[]} placeOfSite
 * @property {number[]} lockOfFile the lock of each of the report's
 * @property {Blame[]} blame by time
 * @property {number} wait_ns of all locks
 */

/**
 * @param {Record<string, any>} report
 * @param {Record<string, any>} extras
 * @returns {Model}
 */
export function readModel(report, extras) {
  const locks = extras.groups.map((/** @type {any} */ group, /** @type {number} */ id) =>
    lockOf(report, group, id),
  );
  /** @type {number[]} */
  const lockOfFile = [];
  extras.groups.forEach((/** @type {any} */ group, /** @type {number} */ id) => {
    for (const file of group.locks) lockOfFile[file] = id;
  });
  const { places, placeOfSite } = readPlaces(report, extras, lockOfFile);
  return {
    run: { ...report.run, ...extras.run },
    report,
    extras,
    locks,
    places,
    placeOfSite,
    lockOfFile,
    blame: readBlame(report, places, placeOfSite),
    wait_ns: locks.reduce((/** @type {number} */ sum, /** @type {Lock} */ lock) => sum + lock.wait.sum_ns, 0),
  };
}

/**
 * @param {Record<string, any>} report
 * @param {Record<string, any>} group
 * @param {number} id
 * @returns {Lock}
 */
function lockOf(report, group, id) {
  const sum = group.sum ?? report.locks[group.locks[0]];
  return {
    id,
    path: sum.name ?? sum.path,
    family: sum.family,
    filesystem: sum.filesystem,
    files: group.locks.length,
    sum,
    wait: sum.wait,
    region: sum.region,
    overshoot: sum.overshoot,
    waits: group.wait,
    holds: group.region,
  };
}

/** @param {Frame[]} frames */
const isPython = (frames) => frames.some((frame) => frame.language === "python");

/**
 * The frame that stands for a place. Of Python it is the innermost that is of no package and not of the standard library,
 * because every lock of a package is asked for at the same line of it. Of other code the innermost that has a name.
 * @param {Frame[]} frames innermost first
 * @param {string[]} label innermost last
 */
function nameOf(frames, label) {
  const own = frames.find(
    ({ language, file }) =>
      language === "python" && !/\/(site|dist)-packages\/|\/lib\/python[0-9.]+\/|^<frozen /.test(file),
  );
  const program = own && `${own.file.split("/").pop()}:${own.line} ${own.function.split(".").pop()}`;
  if (program && label.includes(program)) return program;
  return label.findLast((frame) => !/\+0x[0-9a-f]+$/.test(frame)) ?? label[label.length - 1];
}

/**
 * Sites of the files that followed one another at a path are one place, if their stacks are equal.
 * @param {Record<string, any>} report
 * @param {Record<string, any>} extras
 * @param {number[]} lockOfFile
 */
function readPlaces(report, extras, lockOfFile) {
  /** @type {Place[]} */
  const places = [];
  /** @type {Map<string, Place>} */
  const known = new Map();
  /** @type {number[]} */
  const placeOfSite = [];
  report.sites.forEach((/** @type {any} */ site, /** @type {number} */ index) => {
    const lock = lockOfFile[site.lock];
    const key = `${lock} ${JSON.stringify(site.frames)}`;
    let place = known.get(key);
    if (!place) {
      const short = extras.labels[index];
      const label =
        short.length === 0 ? ["(no stack)"] : isPython(site.frames) ? short : [...short].reverse();
      place = {
        ...{ id: places.length, lock, frames: site.frames, label, name: nameOf(site.frames, label) },
        ...{ waits: 0, wait_ns: 0, holds: 0, hold_ns: 0 },
      };
      known.set(key, place);
      places.push(place);
    }
    place.waits += site.wait.count;
    place.wait_ns += site.wait.sum_ns;
    place.holds += site.region.count;
    place.hold_ns += site.region.sum_ns;
    placeOfSite.push(place.id);
  });
  return { places, placeOfSite };
}

/**
 * @param {Record<string, any>} report
 * @param {Place[]} places
 * @param {number[]} placeOfSite
 * @returns {Blame[]}
 */
function readBlame(report, places, placeOfSite) {
  /** @type {Map<string, Blame>} */
  const pairs = new Map();
  for (const blame of report.blame) {
    const waiter = placeOfSite[blame.waiter];
    const holder = blame.holder === null ? null : placeOfSite[blame.holder];
    const key = `${waiter} ${holder}`;
    const pair = pairs.get(key) ?? { lock: places[waiter].lock, waiter, holder, waits: 0, wait_ns: 0 };
    pair.waits += blame.waits;
    pair.wait_ns += blame.wait_ns;
    pairs.set(key, pair);
  }
  return [...pairs.values()].sort((a, b) => b.wait_ns - a.wait_ns);
}
