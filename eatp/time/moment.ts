import type { Timestamp } from "@bufbuild/protobuf/wkt"

/** The parts of google.protobuf.Timestamp. */
type Moment = Pick<Timestamp, "seconds" | "nanos">

/** What is wrong with a moment, or undefined: google.protobuf.Timestamp spans the years 1 to 9999. */
export function momentProblem({ seconds, nanos }: Moment): string | undefined {
  const valid =
    seconds >= -62_135_596_800n && seconds <= 253_402_300_799n && nanos >= 0 && nanos < 1_000_000_000
  return valid ? undefined : "is no moment of the years 1 to 9999"
}

/** Whether one moment is before another. */
export function isBefore(one: Moment, other: Moment): boolean {
  return one.seconds < other.seconds || (one.seconds === other.seconds && one.nanos < other.nanos)
}
