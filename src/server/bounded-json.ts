/** A limit for JSON from unknown senders. Pure. */

/** More than twice the depth of any valid request. Parsing millions of brackets would stop all pictures for half a second. */
const deepest = 32;

/** Whether brackets are nested deeper than any request needs. Stops at the first that is. */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const sign = text.charCodeAt(at);
    if (inString) {
      if (sign === 0x5c) at += 1;
      else if (sign === 0x22) inString = false;
    } else if (sign === 0x22) inString = true;
    else if (sign === 0x5b || sign === 0x7b) {
      depth += 1;
      if (depth > deepest) return true;
    } else if (sign === 0x5d || sign === 0x7d) depth -= 1;
  }
  return false;
}
