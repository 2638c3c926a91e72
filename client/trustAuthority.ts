import type { Timestamp } from "@bufbuild/protobuf/wkt"
import type { TrustAuthority, AuthorityKey as TrustAuthorityKey } from "@trust-registry/eatp"
import type { Authority, AuthorityKey } from "@trust-registry/proto"

/**
 * An authority of the registry as `verifyTrust`, `checkSignatures` and the makers want it: its id and its keys with
 * their windows, in microseconds since 1970 UTC.
 *
 * @example
 * const { authority } = await registry.getAuthority({ authorityId: "org-acme" })
 * const authorities = new Map([["org-acme", trustAuthority(authority!)]])
 */
export function trustAuthority({ id, keys }: Pick<Authority, "id" | "keys">): TrustAuthority {
  return { id, keys: keys.map(keyOf) }
}

function keyOf({ publicKey, notBefore, notAfter }: AuthorityKey): TrustAuthorityKey {
  return {
    publicKey,
    ...(notBefore ? { validFromMicros: microsOf(notBefore) } : {}),
    ...(notAfter ? { validUntilMicros: microsOf(notAfter) } : {}),
  }
}

function microsOf({ seconds, nanos }: Timestamp) {
  return seconds * 1_000_000n + BigInt(Math.floor(nanos / 1000))
}
