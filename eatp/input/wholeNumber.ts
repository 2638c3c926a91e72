/**
 * Reads a whole number that a person gives, in decimal digits: no sign, no leading zero, no exponent, no spaces. Undefined for
 * anything else, and for a number below `least` or above `most`.
 */
export function parseWholeNumber(text: string, least: bigint, most: bigint): bigint | undefined {
  // No bound of ours has more digits; BigInt of a megabyte of them would take seconds.
  if (!/^(0|[1-9]\d{0,18})$/.test(text)) return undefined
  const number = BigInt(text)
  return number >= least && number <= most ? number : undefined
}

/** The largest int64, and so the largest revision. */
export const MAX_INT64 = 2n ** 63n - 1n
