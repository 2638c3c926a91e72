import type { Authority, AuthorityKey } from "@trust-registry/proto"
import { type TrustAuthority, trustKeyOf, trustRecognitionOf } from "../verify/authorityKeys.js"

/**
 * Converts an authority of the registry to the form that `verifyTrust`, `checkSignatures` and the makers take: its id, its
 * keys with their windows, in microseconds since 1970 UTC, and what it may do, unless only its parent tells. A revoked key verifies
 * nothing offline: only the registry knows what was first stored before the key was compromised.
 *
 * @param record says whether it is active; unset: it is
 * @example
 * const { stored } = await registry.getAuthority({ authorityId: "org-acme" })
 * const authorities = new Map([["org-acme", trustAuthority(stored!.authority!, stored!.record)]])
 */
export function trustAuthority(authority: Convertible, record?: { isActive: boolean }): TrustAuthority {
  const { id, keys, permissions, recognised, parentAuthorityId = "" } = authority
  const tells = permissions !== undefined && (permissions.length > 0 || parentAuthorityId === "")
  return {
    id,
    keys: keys.map(trustKeyOf),
    active: record?.isActive ?? true,
    ...(tells && { permissions }),
    ...(recognised && { recognised: recognised.map(trustRecognitionOf) }),
  }
}

type Convertible = Pick<Authority, "id"> & { keys: readonly Key[] } & Partial<
    Pick<Authority, "permissions" | "parentAuthorityId" | "recognised">
  >

type Key = Pick<AuthorityKey, "publicKey" | "notBefore" | "notAfter" | "revokedAt" | "compromisedAt">
