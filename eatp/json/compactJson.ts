import { spaceEnd, stringEnd } from "./jsonTokens.js"

/**
 * Drops the white space between the tokens of a JSON text and nothing else: numbers, escapes and the order of keys stay
 * as written. The text must be JSON (see parseJson); other text gives other text, or a JsonSyntaxError.
 */
export function compactJson(text: string): string {
  let compact = ""
  let kept = 0
  let at = 0
  while (at < text.length) {
    const unit = text.charCodeAt(at)
    if (unit === 0x22) at = stringEnd(text, at)
    else if (unit > 0x20) at++
    else {
      compact += text.slice(kept, at)
      kept = spaceEnd(text, at)
      // A control character other than white space is not JSON; skip it so that the loop ends.
      at = Math.max(kept, at + 1)
    }
  }
  return kept === 0 ? text : compact + text.slice(kept)
}
