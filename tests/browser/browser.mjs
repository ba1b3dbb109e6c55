/** A headless Chromium with a report open in it, driven as a person would. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// Where `make` installs the npm packages of the page.
const packages = createRequire(
  new URL("../../reporter/write/html/package.json", import.meta.url),
);
const { default: puppeteer } = await import(
  pathToFileURL(packages.resolve("puppeteer-core")).href
);

const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** All that keeps it from asking the network for anything, and from the sandbox that root has not. */
const options = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--hide-scrollbars",
  "--force-color-profile=srgb",
];

/**
 * Starts a browser, hands it to `use`, and ends it with all that it wrote.
 * @template Result
 * @param {(browser: import("puppeteer-core").Browser) => Promise<Result>} use
 */
export async function withBrowser(use) {
  if (!existsSync(chromium))
    throw new Error(
      `there is no ${chromium}; run: scripts/install-deps build test`,
    );
  const home = await mkdtemp(join(tmpdir(), "flockstat-browser."));
  try {
    const browser = await puppeteer.launch({
      executablePath: chromium,
      userDataDir: join(home, "profile"),
      env: { ...process.env, HOME: home, TMPDIR: home },
      pipe: true,
      args: options,
    });
    try {
      return await use(browser);
    } finally {
      await browser.close();
    }
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * Opens a report from disk. `complaints` gets what the page writes to the console, what it throws, and each
 * request but that for the file itself.
 * @param {import("puppeteer-core").Browser} browser
 * @param {string} file
 * @param {{width?: number, height?: number, dark?: boolean, touch?: boolean, scale?: number}} [how]
 */
export async function openReport(
  browser,
  file,
  { width = 1280, height = 860, dark = false, touch = false, scale = 1 } = {},
) {
  const page = await browser.newPage();
  const url = pathToFileURL(file).href;
  /** @type {string[]} */
  const complaints = [];
  page.on("console", (message) =>
    complaints.push(`console: ${message.text()}`),
  );
  page.on("pageerror", (error) =>
    complaints.push(`error: ${error instanceof Error ? error.message : error}`),
  );
  page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:"))
      complaints.push(`request: ${request.url()}`);
  });
  await page.setViewport({
    width,
    height,
    deviceScaleFactor: scale,
    hasTouch: touch,
    isMobile: touch,
  });
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: dark ? "dark" : "light" },
  ]);
  await page.goto(url, { waitUntil: "load" });
  return { page, complaints };
}
