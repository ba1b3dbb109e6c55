/**
 * Takes a picture of a report's first screen: picture.mjs FILE PICTURE light|dark [WIDTH HEIGHT]. Fails where the page
 * has something to complain of, or the picture is larger than a README wants it.
 */
import { stat } from "node:fs/promises";
import { openReport, withBrowser } from "./browser.mjs";

const [file, picture, scheme, width = "1200", height = "820"] =
  process.argv.slice(2);
const greatest_bytes = 300 << 10;

await withBrowser(async (browser) => {
  const phone = Number(width) < 500;
  const { page, complaints } = await openReport(browser, file, {
    width: Number(width),
    height: Number(height),
    dark: scheme === "dark",
    touch: phone,
    scale: phone ? 2 : 1,
  });
  await page.evaluate(
    () =>
      new Promise((done) =>
        requestAnimationFrame(() => requestAnimationFrame(done)),
      ),
  );
  await page.screenshot({ path: picture, type: "png" });
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
});
const { size } = await stat(picture);
if (size > greatest_bytes) throw new Error(`${picture} has ${size} bytes`);
