/**
 * The text as it may be shown on a terminal: control characters, which could move the cursor or forge a line, and
 * characters that turn the direction of writing appear as `\u{1b}`.
 */
export function visible(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u{${codeOf(character).toString(16)}}`)
}

/** JSON text that means the same and may be shown on a terminal. */
export function visibleJson(json: string): string {
  return json.replace(UNSAFE, (character) => `\\u${codeOf(character).toString(16).padStart(4, "0")}`)
}

// Controls but none that JSON text may hold as white space would be left in a value; surrogates here are lone ones.
const UNSAFE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

function codeOf(character: string) {
  return character.codePointAt(0) ?? 0
}
