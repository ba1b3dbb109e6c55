/** Names that programs chose, as they may be shown. */

// What would break a line, be invisible, or turn the direction of what stands around it.
const unseen = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * Control characters as \xHH or \u{HHHH}, newline and tab as \n and \t.
 * @param {string} name
 */
export function shown(name) {
  return name.replace(unseen, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    const code = character.charCodeAt(0);
    const digits = code.toString(16);
    return code < 256 ? `\\x${digits.padStart(2, "0")}` : `\\u{${digits}}`;
  });
}

/**
 * The last parts of a path that fit into so many characters, the last one in any case: "…/cache/app.db".
 * @param {string} path
 * @param {number} room
 */
export function shortPath(path, room) {
  if (path.length <= room) return path;
  let start = path.lastIndexOf("/");
  for (let at = start; at > 0 && path.length - at + 1 <= room; at = path.lastIndexOf("/", at - 1)) start = at;
  return start > 0 ? `…${path.slice(start)}` : path;
}

/**
 * A command as one would type it.
 * @param {string[]} command
 */
export function commandText(command) {
  return command
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${shown(word).replaceAll("'", "'\\''")}'`))
    .join(" ");
}
