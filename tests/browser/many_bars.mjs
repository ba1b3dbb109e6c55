/**
 * Pans and zooms the timeline of a report with very many bars: many_bars.mjs FILE BARS. The page is FILE's, with its
 * timeline replaced by one of eight processes that take turns, and a ninth that waits all the time. Prints, as JSON, how
 * long it took to load, and of each frame the milliseconds that its scripts took, and the rectangles that it painted.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openReport, withBrowser } from "./browser.mjs";

const [file, bars] = process.argv.slice(2);

/**
 * Waits and the holds after them, 1 ms each; each behind the hold before it.
 * @param {number} count
 * @param {any} from a timeline
 */
function timelineOf(count, from) {
  const threads = 8;
  const longest = { process: 0, thread: 9, start: 0, length: count * 1e6 };
  const rows = Array.from({ length: count - 1 }, (_, i) => ({
    kind: i % 2 === 0 ? 1 : 0,
    process: 0,
    thread: (i >> 1) % threads,
    start: i * 1e6,
    length: 1e6,
    blocker: i % 2 === 0 && i > 0 ? i : -1,
  }));
  const all = [{ ...longest, kind: 3, blocker: -1 }, ...rows];
  /** @param {(row: any) => number} fact */
  const column = (fact) => all.map(fact);
  return {
    from: from.from,
    kind: column((row) => row.kind),
    exclusive: column(() => 1),
    start: column((row) => row.start),
    length: column((row) => row.length),
    lock: column(() => 0),
    site: column(() => 0),
    process: column((row) => row.process),
    thread: column((row) => row.thread),
    blocker: column((row) => row.blocker),
  };
}

/** @param {string} page */
function withTimeline(page) {
  const begin = '<script type="application/json" id="extras">';
  const at = page.indexOf(begin) + begin.length;
  const end = page.indexOf("</script>", at);
  const extras = JSON.parse(page.slice(at, end));
  extras.timeline = timelineOf(Number(bars), extras.timeline);
  return page.slice(0, at) + JSON.stringify(extras) + page.slice(end);
}

const home = await mkdtemp(join(tmpdir(), "flockstat-bars."));
try {
  const changed = join(home, "page.html");
  await writeFile(changed, withTimeline(await readFile(file, "utf8")));
  await withBrowser(async (browser) => {
    const started = performance.now();
    const { page, complaints } = await openReport(browser, changed);
    const loaded_ms = performance.now() - started;
    await page.focus("#timeline canvas");
    const frames = await page.evaluate(async () => {
      const canvas = /** @type {HTMLElement} */ (
        document.querySelector("#timeline canvas")
      );
      const keys = [
        ...Array(12).fill("+"),
        ...Array(12).fill("ArrowRight"),
        ...Array(12).fill("-"),
        ...Array(6).fill("n"),
      ];
      let rectangles = 0;
      for (const how of /** @type {const} */ (["fillRect", "strokeRect"])) {
        const paint = CanvasRenderingContext2D.prototype[how];
        CanvasRenderingContext2D.prototype[how] = function (...place) {
          rectangles += 1;
          return paint.apply(this, place);
        };
      }
      const seen = [];
      for (const key of keys) {
        rectangles = 0;
        const pressed = performance.now();
        canvas.dispatchEvent(
          new KeyboardEvent("keydown", { key, bubbles: true }),
        );
        const handled = performance.now();
        const [painting, painted] = await new Promise((done) => {
          requestAnimationFrame((at) => done([at, performance.now()]));
        });
        const time_ms =
          handled -
          pressed +
          Math.max(0, painted - Math.max(painting, handled));
        seen.push({ key, time_ms, rectangles });
      }
      return seen;
    });
    console.log(JSON.stringify({ loaded_ms, frames, complaints }));
  });
} finally {
  await rm(home, { recursive: true, force: true });
}
