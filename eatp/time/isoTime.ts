/**
 * Writes an instant, in microseconds since 1970 UTC, as Python's `isoformat()` does in UTC:
 * `2026-07-01T12:00:00+00:00`, with six digits of a second where they are not zero. Years 1 to 9999.
 */
export function isoFromMicros(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = new Date(Number((micros - fraction) / 1000n)).toISOString().slice(0, 19)
  return `${seconds}${fraction === 0n ? "" : `.${String(fraction).padStart(6, "0")}`}+00:00`
}
