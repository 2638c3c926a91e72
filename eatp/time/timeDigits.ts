/** Reads exactly `count` ASCII digits at an offset as a number; undefined if one is not a digit. */
export function digitsAt(text: string, at: number, count: number): number | undefined {
  let value = 0
  for (let index = at; index < at + count; index++) {
    if (!isDigitAt(text, index)) return undefined
    value = value * 10 + text.charCodeAt(index) - 0x30
  }
  return value
}

/** Whether there is an ASCII digit at an offset. */
export function isDigitAt(text: string, at: number): boolean {
  const unit = text.charCodeAt(at)
  return unit >= 0x30 && unit <= 0x39
}
