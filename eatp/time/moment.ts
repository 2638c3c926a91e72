import type { Timestamp } from "@bufbuild/protobuf/wkt"

/** The parts of google.protobuf.Timestamp. */
type TimestampParts = Pick<Timestamp, "seconds" | "nanos">

/** What is wrong with a timestamp; undefined if nothing is. google.protobuf.Timestamp spans the years 1 to 9999. */
export function momentProblem({ seconds, nanos }: TimestampParts): string | undefined {
  const valid =
    seconds >= -62_135_596_800n && seconds <= 253_402_300_799n && nanos >= 0 && nanos < 1_000_000_000
  return valid ? undefined : "must be in the years 1 to 9999"
}

/** Whether one timestamp is before another. */
export function isBefore(one: TimestampParts, other: TimestampParts): boolean {
  return one.seconds < other.seconds || (one.seconds === other.seconds && one.nanos < other.nanos)
}

/** A timestamp in microseconds since 1970 UTC, rounded down. */
export function microsOfMoment({ seconds, nanos }: TimestampParts): bigint {
  return seconds * 1_000_000n + BigInt(Math.floor(nanos / 1000))
}
