import {
  type AuthorityPermission,
  AuthorityPermissionSchema,
  type TrustLineageChain,
} from "@trust-registry/proto"
import { isExpired } from "../rules/expiry.js"
import type { Violation } from "../shape/shapeContext.js"
import { type AuthorityKey, keysFor, type SigningTime, type TrustAuthority } from "./authorityKeys.js"
import { type SignedField, type Signers, signedFields } from "./signedFields.js"
import { verifySignatures } from "./verifySignatures.js"

/** Why an authority may not make a record. */
export type IssuanceReason =
  | "AUTHORITY_INACTIVE"
  | "AUTHORITY_NOT_PERMITTED"
  | "SIGNED_LATE"
  | "DELEGATION_EXCEEDED"

/** A signature that its authority may not make now. */
export type IssuanceFault = Violation & {
  reason: IssuanceReason
  authorityId: string
  /** The signature as the chain has it. */
  signature: string
}

/** When records are new. */
export type IssuanceTime = {
  /** The time, in microseconds since 1970 UTC. */
  nowMicros: bigint
  /** How long before that a record may be dated if its key has an end, in microseconds. */
  maxAgeMicros: bigint
}

/**
 * What speaks against the signatures of a chain if all of them are new: a record is made by an authority that is active and may
 * make such a record, with a key that has not ended. Who holds a key that was rotated away can write any date into a record, so
 * its date proves nothing. Signatures that do not verify, or whose signer is not known, are for {@link checkSignatures} to find.
 */
export async function issuanceFaults(
  chain: TrustLineageChain,
  signers: Signers,
  time: IssuanceTime,
): Promise<IssuanceFault[]> {
  const signed = signedFields(chain, signers)
  const late = await signedLate(signed, time)
  return signed.flatMap((one) => {
    const authority = one.signature.signer
    if (authority === undefined) return []
    const fault = authorityFault(one, authority) ?? (late.has(one) ? LATE : undefined)
    return fault ? [{ ...fault, field: one.field, authorityId: authority.id, signature: one.text }] : []
  })
}

type Fault = Pick<IssuanceFault, "reason" | "description">

const LATE: Fault = {
  reason: "SIGNED_LATE",
  description: "is new here, and made with a key whose window has ended, or long before it is stored",
}

function authorityFault({ permission }: SignedField, authority: TrustAuthority): Fault | undefined {
  const name = JSON.stringify(authority.id)
  if (authority.active === false)
    return { reason: "AUTHORITY_INACTIVE", description: `is new, and its authority ${name} is inactive` }
  if (permission === undefined || mayDo(authority, permission)) return undefined
  const description = `is new, and its authority ${name} lacks ${permissionName(permission)}`
  return { reason: "AUTHORITY_NOT_PERMITTED", description }
}

/** The name of a permission in the contract. */
export function permissionName(permission: AuthorityPermission): string {
  return AuthorityPermissionSchema.value[permission]?.localName ?? String(permission)
}

/** Whether an authority may do something; one whose permissions are not known may. */
export function mayDo({ permissions }: TrustAuthority, permission: AuthorityPermission): boolean {
  return permissions === undefined || permissions.includes(permission)
}

/** The valid signatures that no key which may still sign has made. */
async function signedLate(signed: SignedField[], now: IssuanceTime): Promise<ReadonlySet<SignedField>> {
  const again = new Map<
    SignedField,
    { signer: TrustAuthority } & Pick<SignedField["signature"], "claim" | "outcome">
  >()
  for (const one of signed) {
    const { signer, claim } = one.signature
    // Usually every key that may have signed it still may, and nothing is verified for it.
    if (signer && !keysFor(signer, one.time).every((key) => maySign(key, one.time, now)))
      again.set(one, {
        claim,
        signer: { ...signer, keys: signer.keys.filter((key) => maySign(key, one.time, now)) },
      })
  }
  await verifySignatures([...again.keys()].map(({ signature }) => signature))
  await verifySignatures(again.values())
  const isLate = ([one, limited]: [SignedField, { outcome?: unknown }]) =>
    one.signature.outcome === "valid" && limited.outcome !== "valid"
  return new Set([...again].filter(isLate).map(([one]) => one))
}

function maySign(
  { validUntilMicros: end }: AuthorityKey,
  { atMicros, orLater }: SigningTime,
  { nowMicros, maxAgeMicros }: IssuanceTime,
): boolean {
  if (end === undefined) return true
  if (isExpired(end, nowMicros)) return false
  return orLater === true || (atMicros !== undefined && atMicros >= nowMicros - maxAgeMicros)
}
