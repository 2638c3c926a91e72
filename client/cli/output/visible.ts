/**
 * Makes a text safe for a terminal: control characters, which could move the cursor or forge a line, and characters that
 * change the direction of writing become escapes such as `\u{1b}`.
 */
export function visible(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u{${codeOf(character).toString(16)}}`)
}

/** Makes JSON text safe for a terminal without changing its meaning. */
export function visibleJson(json: string): string {
  return json.replace(UNSAFE, (character) => `\\u${codeOf(character).toString(16).padStart(4, "0")}`)
}

// Compact JSON has no control characters as white space. With the u flag, \p{Cs} matches lone surrogates only.
const UNSAFE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

function codeOf(character: string) {
  return character.codePointAt(0) ?? 0
}
