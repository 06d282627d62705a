/**
 * No body of this API nests deeper than 3; bodies built to exhaust a parser or a validator nest by the
 * thousand.
 */
export const maxJsonDepth = 32;

const quote = 0x22;
const backslash = 0x5c;
const opening = new Set([0x5b, 0x7b]);
const closing = new Set([0x5d, 0x7d]);

/**
 * Whether brackets outside of strings nest deeper than that. Stops at the first such bracket, and does not
 * require valid JSON.
 */
export function nestsTooDeep(json: Uint8Array): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] as number;
    if (inString) {
      if (byte === backslash) at++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (opening.has(byte)) {
      if (++depth > maxJsonDepth) return true;
    } else if (closing.has(byte)) depth--;
  }
  return false;
}
