import type { Timestamp } from "@bufbuild/protobuf/wkt"
import { momentProblem } from "@trust-registry/eatp"
import { invalidRequest } from "../../errors.js"
import { microsOf } from "../../store/rows/micros.js"

/** Throws INVALID_REQUEST for a `compromised_at` that is no moment or later than now, in microseconds since 1970. */
export function assureCompromisedAt(compromisedAt: Timestamp | undefined, now: bigint): void {
  if (!compromisedAt) return
  const future = "is in the future: what the key signs until then would still verify"
  const fault = momentProblem(compromisedAt) ?? (microsOf(compromisedAt) > now ? future : undefined)
  if (fault) throw invalidRequest("compromised_at", fault)
}
