/** Percentiles of call durations, in milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** The percentiles of the given times; zeros for an empty list. */
export function latencyOf(times: readonly number[]): Latency {
  const sorted = Float64Array.from(times).sort()
  return { p50: at(sorted, 0.5), p99: at(sorted, 0.99), p999: at(sorted, 0.999), max: at(sorted, 1) }
}

/** The percentile by nearest rank: at least this share of the values is not above it. */
function at(sorted: Float64Array, share: number) {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}
