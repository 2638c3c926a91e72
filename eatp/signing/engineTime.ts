import { isoFromMicros } from "../time/isoTime.js"
import { parseTime } from "../time/time.js"
import { SigningPayloadError } from "./signingPayloadError.js"

/**
 * A time as the engines sign it: UTC, whole seconds, `+00:00` (EATP 5.3). Throws SigningPayloadError with the reference
 * implementation's messages for a naive time and for a fraction of a second.
 */
export function engineTime(text: string): string {
  const time = parseTime(text)
  if (time?.utcMicros === undefined) {
    throw new SigningPayloadError(
      "unsignable",
      "created_at / expires_at MUST be timezone-aware (RFC3339 requires an explicit offset)",
    )
  }
  // The reference implementation checks the microseconds as written; no engine writes an offset with microseconds.
  if (/T..:..:..\./.test(time.isoformat)) {
    throw new SigningPayloadError(
      "unsignable",
      "created_at / expires_at with sub-second precision is not cross-SDK-pinned (§5.3 vectors are whole-second); " +
        "the RFC3339 fractional-second rendering vs kailash-rs chrono is un-verified — reject rather than emit " +
        "un-pinned bytes (future lockstep item)",
    )
  }
  return isoFromMicros(time.utcMicros)
}
