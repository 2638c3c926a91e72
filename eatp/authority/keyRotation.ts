import { create } from "@bufbuild/protobuf"
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt"
import { type Authority, type AuthorityKey, AuthorityKeySchema } from "@trust-registry/proto"
import type { Violation } from "../shape/shapeContext.js"
import { isBefore, momentProblem } from "../time/moment.js"

type Moment = Pick<Timestamp, "seconds" | "nanos">

/** The times of a rotation, as RotateAuthorityKeyRequest has them. */
export interface RotationTimes {
  effectiveAt?: Moment | undefined
  overlap?: Moment | undefined
}

/** When the new key takes effect, and when the older keys end. */
export interface Rotation {
  at: Moment
  end: Moment
}

/**
 * The times of a rotation, or the violation in them.
 *
 * @param now the start of the new key's window where the request has none
 */
export function rotationOf({ effectiveAt, overlap }: RotationTimes, now: Moment): Rotation | Violation {
  const at = effectiveAt ?? now
  const fault = momentProblem(at)
  if (fault) return { field: "effective_at", description: fault }
  const { seconds, nanos } = overlap ?? { seconds: 0n, nanos: 0 }
  if (seconds < 0n || nanos < 0 || nanos >= BILLION)
    return { field: "overlap", description: "must be a duration that is not negative" }
  const sum = at.nanos + nanos
  const carry = sum >= BILLION ? 1 : 0
  const end = { seconds: at.seconds + seconds + BigInt(carry), nanos: sum - carry * BILLION }
  if (momentProblem(end)) return { field: "overlap", description: "ends after the year 9999" }
  return { at, end }
}

const BILLION = 1_000_000_000

/** The keys after a rotation. Every key valid by its end ends then, unless it ends earlier; the new key comes last. */
export function rotatedKeys(
  { keys }: Authority,
  { keyId, publicKey }: Pick<AuthorityKey, "keyId" | "publicKey">,
  { at, end }: Rotation,
): AuthorityKey[] {
  const older = keys.map((key) => {
    const isLater = key.notBefore && isBefore(end, key.notBefore)
    const isOver = key.notAfter && !isBefore(end, key.notAfter)
    return isLater || isOver ? key : create(AuthorityKeySchema, { ...key, notAfter: momentOf(end) })
  })
  return [...older, create(AuthorityKeySchema, { keyId, publicKey, notBefore: momentOf(at) })]
}

function momentOf({ seconds, nanos }: Moment): Timestamp {
  return create(TimestampSchema, { seconds, nanos })
}
