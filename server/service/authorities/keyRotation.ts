import { create } from "@bufbuild/protobuf"
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt"
import { isBefore, momentProblem } from "@trust-registry/eatp"
import {
  type Authority,
  type AuthorityKey,
  AuthorityKeySchema,
  type RotateAuthorityKeyRequest,
} from "@trust-registry/proto"
import type { FieldViolation } from "../../errors.js"
import { timestampOf } from "../../store/rows/micros.js"

type Moment = Pick<Timestamp, "seconds" | "nanos">

/** When the new key takes effect, and when the older keys end. */
export interface Rotation {
  at: Moment
  end: Moment
}

/**
 * The times of a rotation, or the violation in them.
 *
 * @param now microseconds since 1970
 */
export function rotationOf(
  { effectiveAt, overlap }: Pick<RotateAuthorityKeyRequest, "effectiveAt" | "overlap">,
  now: bigint,
): Rotation | FieldViolation {
  const at = effectiveAt ?? timestampOf(now)
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
  { keyId, publicKey }: Pick<RotateAuthorityKeyRequest, "keyId" | "publicKey">,
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
