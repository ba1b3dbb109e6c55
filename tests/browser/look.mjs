/**
 * Looks at a report and does what a person does with it: look.mjs FILE. Prints what it saw, as JSON.
 */
import { openReport, withBrowser } from "./browser.mjs";

/**
 * @param {import("puppeteer-core").Page} page
 * @param {string} selector
 */
const text = (page, selector) =>
  page.$eval(selector, (element) => element.textContent);

/**
 * How many colours the timeline's picture has: an empty one has few.
 * @param {import("puppeteer-core").Page} page
 */
function paintedColors(page) {
  return page.$eval("#timeline canvas", async (canvas) => {
    await new Promise((done) =>
      requestAnimationFrame(() => requestAnimationFrame(done)),
    );
    const { data } = canvas
      .getContext("2d")
      .getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
}

/**
 * @param {import("puppeteer-core").Page} page
 */
async function look(page) {
  /** @type {Record<string, unknown>} */
  const seen = {};
  seen.title = await page.title();
  seen.headline = await text(page, "h1");
  seen.locks = await page.$$eval(".lock", (rows) =>
    rows.map((row) => row.getAttribute("title")),
  );
  seen.images = await page.$$eval("img", (images) => images.length);
  seen.report = JSON.parse((await text(page, "#report")) ?? "");
  seen.first_chosen = await text(page, "#chosen h2");

  await page.click(".lock:last-child");
  seen.clicked = await text(page, "#chosen h2");
  await page.keyboard.press("Home");
  seen.by_keyboard = await text(page, "#chosen h2");
  await page.keyboard.press("Escape");
  seen.escaped = await text(page, "#chosen h2");

  // The flame graphs: a search, a zoom by a click, and out again by the keyboard.
  await page.type("#code input", "lock_file");
  seen.found = await text(page, "#code figcaption .quiet-text");
  seen.found_frames = await page.$$eval(
    "#code .frame.found",
    (frames) => frames.length,
  );
  await page.$eval("#code input", (input) => {
    input.value = "";
    input.dispatchEvent(new Event("input"));
  });
  const widths = () =>
    page.$$eval("#code .frame rect", (rects) =>
      rects.map((rect) => rect.getAttribute("width")),
    );
  const before = await widths();
  const paths = await page.$$("#code figure:nth-of-type(1) .frame:not(.root)");
  seen.flame_clicked = await page.evaluate(
    (frame) => frame.getAttribute("aria-label"),
    paths[paths.length - 1],
  );
  await paths[paths.length - 1].click();
  seen.flame_zoomed = JSON.stringify(await widths()) !== JSON.stringify(before);
  seen.flame_lock = await text(page, "#chosen h2");
  await page.keyboard.press("Escape");

  // The matrix and the timeline, by the keyboard.
  seen.cells = await page.$$eval(
    "#blame .cell:not(.none)",
    (cells) => cells.length,
  );
  await page.$eval("#blame .cell:not(.none)", (cell) => cell.focus());
  seen.cell = await text(page, ".tooltip");
  await page.focus("#timeline canvas");
  for (const key of ["n", "+", "+", "ArrowLeft", "ArrowRight"])
    await page.keyboard.press(key);
  seen.wait = await text(page, ".timeline-detail");
  seen.painted = await paintedColors(page);
  seen.processes = await page.$$eval(
    "#processes tbody tr",
    (rows) => rows.length,
  );

  const background = () =>
    page.evaluate(
      () => getComputedStyle(document.documentElement).backgroundColor,
    );
  seen.light = await background();
  await page.click("#theme");
  seen.dark = await background();
  return seen;
}

await withBrowser(async (browser) => {
  const file = process.argv[2];
  const { page, complaints } = await openReport(browser, file);
  const seen = await look(page);
  const phone = await openReport(browser, file, {
    width: 390,
    height: 844,
    touch: true,
  });
  seen.phone_overflow = await phone.page.evaluate(
    () => document.documentElement.scrollWidth - window.innerWidth,
  );
  seen.complaints = [...complaints, ...phone.complaints];
  console.log(JSON.stringify(seen));
});
