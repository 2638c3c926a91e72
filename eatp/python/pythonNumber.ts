/** A value has no canonical form in EATP; the reference implementation raises ValueError or TypeError. */
export class CanonicalError extends Error {
  override readonly name = "CanonicalError"
}

// CPython 3.11.7 refuses to turn longer text into an int (sys.int_info.default_max_str_digits).
const MAX_INT_DIGITS = 4300

const syntax = /^-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/

/**
 * Prints the text of a JSON number as Python's `repr` prints what `json.loads` makes of it: an int exactly, a float by
 * its shortest digits (`1.0`, `1e+16`, `1e-07`); beyond a double's range `inf` or `-inf`.
 *
 * @throws CanonicalError for text that is not a JSON number and for an integer of more than 4,300 digits.
 */
export function pythonNumber(text: string): string {
  const parts = syntax.exec(text)
  if (parts === null) throw new CanonicalError(`${text.slice(0, 40)} is not a JSON number`)
  if (parts[1] !== undefined || parts[2] !== undefined) return pythonFloat(Number(text))
  if (text.replace("-", "").length > MAX_INT_DIGITS) {
    throw new CanonicalError(`An integer of more than ${MAX_INT_DIGITS} digits`)
  }
  return text === "-0" ? "0" : text
}

/** Like {@link pythonNumber}, but refuses a number beyond a double's range, as `json.dumps(allow_nan=False)` does. */
export function finiteNumber(text: string): string {
  const printed = pythonNumber(text)
  if (printed.endsWith("inf"))
    throw new CanonicalError(`${text.slice(0, 40)} is beyond the range of a double`)
  return printed
}

/** Prints a double as Python's `repr(float)` does: exponents from 1e16 up and below 1e-4, at least two digits long. */
export function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "inf" : Number.isNaN(value) ? "nan" : "-inf"
  if (Object.is(value, -0)) return "-0.0"
  const [significand = "", exponentText = ""] = value.toExponential().split("e")
  const exponent = Number(exponentText)
  if (exponent < -4 || exponent >= 16) {
    const sign = exponent < 0 ? "-" : "+"
    return `${significand}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`
  }
  // In this range JavaScript prints plain decimals too, only without the ".0".
  const plain = String(value)
  return plain.includes(".") ? plain : `${plain}.0`
}
