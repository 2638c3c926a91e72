/** A key of an authority, and when it signs. */
export type AuthorityKey = {
  /** Ed25519, base64 of 32 bytes. */
  publicKey: string
  /** First moment at which it signs, in microseconds since 1970 UTC; unset: since ever. */
  validFromMicros?: bigint
  /** Last moment at which it signs; unset: until further notice. */
  validUntilMicros?: bigint
  /** Whether the authority took it back: it verifies nothing, unless compromisedAtMicros tells since when. */
  revoked?: boolean
  /**
   * Since when others may have it: it verifies only what is dated, and was first stored, before. Means
   * revoked.
   */
  compromisedAtMicros?: bigint
}

/**
 * An authority as verification sees it. Its being inactive does not matter here: what it signed stays signed.
 */
export type TrustAuthority = {
  id: string
  keys: readonly AuthorityKey[]
  /** Unset: yes. Only told, in a path. */
  active?: boolean
}

/** When a signature was made, as far as its record tells. */
export type SigningTime = {
  /**
   * The record's own date, in microseconds since 1970 UTC; undefined for a naive one, which no bounded window
   * covers.
   */
  atMicros: bigint | undefined
  /** Whether it may also have been made later: the chain-state signature is renewed with every change. */
  orLater?: boolean
  /** When the registry first stored the signature; undefined where that is not known. */
  firstStoredMicros?: bigint | undefined
}

/**
 * The keys of an authority that may have made a signature of that time: a key whose window covers it, so that
 * rotation breaks nothing signed before. Of a compromised key only what is known to be older counts, since
 * its thief can write any date.
 */
export function keysFor(authority: TrustAuthority, time: SigningTime): AuthorityKey[] {
  return authority.keys.filter((key) => covers(key, time) && isTrusted(key, time))
}

function covers(
  { validFromMicros: from, validUntilMicros: until }: AuthorityKey,
  time: SigningTime,
): boolean {
  if (from === undefined && until === undefined) return true
  if (time.atMicros === undefined) return false
  const begun = from === undefined || time.orLater === true || time.atMicros >= from
  return begun && (until === undefined || time.atMicros <= until)
}

function isTrusted({ revoked, compromisedAtMicros: since }: AuthorityKey, time: SigningTime): boolean {
  if (since === undefined) return revoked !== true
  const { atMicros, firstStoredMicros } = time
  return (
    atMicros !== undefined && atMicros < since && firstStoredMicros !== undefined && firstStoredMicros < since
  )
}
