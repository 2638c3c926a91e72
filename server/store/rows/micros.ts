import type { Timestamp } from "@bufbuild/protobuf/wkt"

/** Microseconds since 1970 as a google.protobuf.Timestamp. */
export function timestampOf(micros: bigint): { seconds: bigint; nanos: number } {
  const seconds = micros >= 0n ? micros / 1_000_000n : -((999_999n - micros) / 1_000_000n)
  return { seconds, nanos: Number(micros - seconds * 1_000_000n) * 1000 }
}

/** The time by the clock of this process, in microseconds since 1970. */
export function nowMicros(): bigint {
  return BigInt(Date.now()) * 1000n
}

/** A google.protobuf.Timestamp as microseconds since 1970, rounded down. */
export function microsOf(timestamp: Pick<Timestamp, "seconds" | "nanos">): bigint {
  return timestamp.seconds * 1_000_000n + BigInt(Math.floor(timestamp.nanos / 1000))
}
