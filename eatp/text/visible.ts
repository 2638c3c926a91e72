/**
 * A line of text as people may be shown it: characters that show nothing, turn the direction of writing, move a cursor or look like
 * a plain space appear as `\u{200b}`. For display only: what programs read stays as it is.
 */
export function visible(text: string): string {
  return text.replace(UNSEEN, escaped)
}

/**
 * A name, such as an id, as people may be shown it, so that it looks like no other: as {@link visible}, with plain spaces at
 * either end and beside each other escaped too. Apply it once, and not to what it gave.
 */
export function visibleName(name: string): string {
  return name.replace(LIKE_ESCAPED, "\\u{5c}").replace(ODD_SPACES, escapedAll).replace(UNSEEN, escaped)
}

/** A name in quotation marks as {@link visibleName} shows it, with its own quotation marks and backslashes escaped. */
export function quoted(name: string): string {
  const inner = name.replace(/["\\]/g, "\\$&").replace(ODD_SPACES, escapedAll).replace(UNSEEN, escaped)
  return `"${inner}"`
}

/** JSON text that means the same and may be shown to people. */
export function visibleJson(json: string): string {
  return json.replace(UNSEEN_IN_JSON, jsonEscaped)
}

// What shows nothing or moves what is shown: controls, formats, surrogates without their other half, what is not assigned or private, what
// Unicode lets a renderer ignore, separators other than the plain space, and blanks that Unicode counts among letters and symbols.
const UNSEEN_CLASS =
  "\\p{C}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}" +
  "\\u00a0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u2800\\u3000\\u{1d159}"
const UNSEEN = new RegExp(`[${UNSEEN_CLASS}]`, "gu")

// White space between tokens is no part of a value.
const UNSEEN_IN_JSON = new RegExp(`(?![\\n\\r\\t])[${UNSEEN_CLASS}]`, "gu")

const ODD_SPACES = /^ +| +$| {2,}/g

// What an escape would look like.
const LIKE_ESCAPED = /\\(?=u\{)/g

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

function escapedAll(characters: string): string {
  return Array.from(characters, escaped).join("")
}

// JSON escapes UTF-16 code units.
function jsonEscaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("")
}
