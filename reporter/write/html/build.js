// Builds the page into one file: build.js OUTPUT
//
// The scripts with the parts of d3 that they use, and the styles, stand in it. A policy of its own keeps
// the page from loading anything, and from running any script but this one.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = new URL("./", import.meta.url);

/**
 * One source with all that it imports, minified.
 * @param {string} entry
 */
async function bundle(entry) {
  const result = await build({
    entryPoints: [fileURLToPath(new URL(entry, here))],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    legalComments: "inline",
    logLevel: "warning",
  });
  return result.outputFiles[0].text.trim();
}

/** @param {string} text */
const hash = (text) => `sha256-${createHash("sha256").update(text).digest("base64")}`;

const [script, style, template] = await Promise.all([
  bundle("main.js"),
  bundle("style/page.css"),
  readFile(new URL("index.html", here), "utf8"),
]);
/** @type {Record<string, string>} */
const parts = { SCRIPT: script, STYLE: style, SCRIPT_HASH: hash(script), STYLE_HASH: hash(style) };
const page = template.replace(/@([A-Z_]+)@/g, (_, name) => parts[name]);
await writeFile(process.argv[2], page);
