/**
 * Compares two strings by Unicode code point, as Python sorts; JavaScript's own order is by UTF-16 unit and puts U+1D11E
 * before U+E000. Negative, zero or positive, for `sort`.
 */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  let at = 0
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at++
  if (at === length) return a.length - b.length
  // The strings may part in the middle of a pair: then the pair's first half, which both have, decides.
  if (at > 0 && isLead(a.charCodeAt(at - 1))) {
    const whole = codeAt(a, at - 1) - codeAt(b, at - 1)
    if (whole !== 0) return whole
  }
  return codeAt(a, at) - codeAt(b, at)
}

function isLead(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function codeAt(text: string, at: number): number {
  return text.codePointAt(at) ?? 0
}
