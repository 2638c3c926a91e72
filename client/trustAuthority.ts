import { type TrustAuthority, trustKeyOf } from "@trust-registry/eatp"
import type { AuthorityKey } from "@trust-registry/proto"

/**
 * Converts an authority of the registry to the form that `verifyTrust`, `checkSignatures` and the makers take: its id and
 * its keys with their windows, in microseconds since 1970 UTC. A revoked key verifies nothing offline: only the registry
 * knows what was first stored before the key was compromised.
 *
 * @example
 * const { authority } = await registry.getAuthority({ authorityId: "org-acme" })
 * const authorities = new Map([["org-acme", trustAuthority(authority!)]])
 */
export function trustAuthority({ id, keys }: { id: string; keys: readonly Key[] }): TrustAuthority {
  return { id, keys: keys.map(trustKeyOf) }
}

type Key = Pick<AuthorityKey, "publicKey" | "notBefore" | "notAfter" | "revokedAt" | "compromisedAt">
