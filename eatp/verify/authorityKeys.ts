import type {
  AuthorityPermission,
  AuthorityKey as RegistryKey,
  Recognition as RegistryRecognition,
} from "@trust-registry/proto"
import { isEffective, isExpired } from "../rules/expiry.js"
import { microsOfMoment } from "../time/moment.js"

/** A key of an authority, and when it is valid. */
export type AuthorityKey = {
  /** Its id, to name it; unset: not known. */
  keyId?: string
  /** Ed25519, base64 of 32 bytes. */
  publicKey: string
  /** The first moment at which it signs, in microseconds since 1970 UTC; unset: it always has. */
  validFromMicros?: bigint
  /** The last moment at which it signs, in microseconds since 1970 UTC; unset: no end is set. */
  validUntilMicros?: bigint
  /** Whether the authority revoked it. A revoked key verifies nothing, unless compromisedAtMicros is set. */
  revoked?: boolean
  /**
   * Since when others may have the key, in microseconds since 1970 UTC: it verifies only what is dated, and was first
   * stored, before then. Implies revoked.
   */
  compromisedAtMicros?: bigint
}

/**
 * An authority as verification sees it. What it may do, and whether it is active, matters for new records only: what it signed
 * stays signed.
 */
export type TrustAuthority = {
  id: string
  keys: readonly AuthorityKey[]
  /** Unset: true. */
  active?: boolean
  /** What it may do, by itself or by its parents. Unset: not known, and then nothing is denied for it. */
  permissions?: readonly AuthorityPermission[]
  /** Whose attestations count for its agents. Unset: not known, and then nothing is denied for it. */
  recognised?: readonly TrustRecognition[]
  /** Why its keys are not its own word, where the caller pins what it knows of authorities. Nothing that it signed counts then. */
  unsigned?: string
}

/** That an authority recognises what another one attests to its agents. */
export type TrustRecognition = {
  /** The other authority. */
  authorityId: string
  /** Names of capabilities, or patterns as capabilities have them. */
  capabilities: readonly string[]
  /** From when, in microseconds since 1970 UTC; unset: it always has. */
  validFromMicros?: bigint
  /** The last moment, in microseconds since 1970 UTC; unset: no end is set. */
  validUntilMicros?: bigint
}

/** A recognition of the registry's contract in this form. */
export function trustRecognitionOf(recognition: RegistryRecognition): TrustRecognition {
  const { authorityId, capabilities, notBefore, notAfter } = recognition
  return {
    authorityId,
    capabilities,
    ...(notBefore ? { validFromMicros: microsOfMoment(notBefore) } : {}),
    ...(notAfter ? { validUntilMicros: microsOfMoment(notAfter) } : {}),
  }
}

/** A key of the registry's contract in this form. */
export function trustKeyOf(key: RegistryKeyParts): AuthorityKey {
  const { keyId, publicKey, notBefore, notAfter, revokedAt, compromisedAt } = key
  return {
    ...(keyId === undefined ? {} : { keyId }),
    publicKey,
    ...(notBefore ? { validFromMicros: microsOfMoment(notBefore) } : {}),
    ...(notAfter ? { validUntilMicros: microsOfMoment(notAfter) } : {}),
    ...(revokedAt ? { revoked: true } : {}),
    ...(compromisedAt ? { compromisedAtMicros: microsOfMoment(compromisedAt) } : {}),
  }
}

type RegistryKeyParts = Pick<RegistryKey, "publicKey"> &
  Partial<Pick<RegistryKey, "keyId" | "notBefore" | "notAfter" | "revokedAt" | "compromisedAt">>

/** When a signature was made, as far as its record says. */
export type SigningTime = {
  /** The record's date, in microseconds since 1970 UTC; undefined for a naive one, which no bounded window covers. */
  atMicros: bigint | undefined
  /** Whether it may have been made later: the chain-state signature is renewed with every change. */
  orLater?: boolean
  /** When the registry first stored the signature, in microseconds since 1970 UTC; undefined if not known. */
  firstStoredMicros?: bigint | undefined
}

/**
 * The keys of an authority that may have made a signature at that time: those whose window covers it, so that a
 * rotation invalidates nothing signed before. A compromised key counts only for what is known to be older, since
 * whoever stole it can write any date.
 */
export function keysFor(authority: TrustAuthority, time: SigningTime): AuthorityKey[] {
  if (authority.unsigned !== undefined) return []
  return authority.keys.filter((key) => covers(key, time) && isTrusted(key, time))
}

function covers(
  { validFromMicros: from, validUntilMicros: until }: AuthorityKey,
  { atMicros, orLater }: SigningTime,
): boolean {
  if (from === undefined && until === undefined) return true
  if (atMicros === undefined) return false
  const begun = from === undefined || orLater === true || isEffective(from, atMicros)
  return begun && !isExpired(until, atMicros)
}

/** Whether a key counts for a signature in spite of its marks: unrevoked, or compromised only after what it signed. */
export function isTrusted(key: AuthorityKey, { atMicros, firstStoredMicros }: SigningTime): boolean {
  const { revoked, compromisedAtMicros: since } = key
  if (since === undefined) return revoked !== true
  return isBefore(atMicros, since) && isBefore(firstStoredMicros, since)
}

function isBefore(moment: bigint | undefined, since: bigint): boolean {
  return moment !== undefined && !isEffective(since, moment)
}
