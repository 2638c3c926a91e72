import type { AuthorityKey as SignerKey, TrustAuthority } from "@trust-registry/eatp"
import type { AuthorityKey } from "@trust-registry/proto"
import { type AuthorityRow, authorityOf } from "./authorityRows.js"
import { microsOf } from "./micros.js"

/** An authority as verification needs it, and its revision. */
export interface StoredSigner {
  /** With the permissions of its own. */
  signer: TrustAuthority
  /** The authority above it; empty: none. */
  parentId: string
  revision: bigint
}

/** The signer of a row. Throws AUTHORITY_CORRUPT for a document that does not parse. */
export function signerOf(row: AuthorityRow): StoredSigner {
  const { keys, permissions, parentAuthorityId = "" } = authorityOf(row)
  return {
    signer: { id: row.authority_id, keys: keys.map(keyOf), active: row.is_active, permissions },
    parentId: parentAuthorityId,
    revision: row.revision,
  }
}

function keyOf({ keyId, publicKey, notBefore, notAfter, revokedAt, compromisedAt }: AuthorityKey): SignerKey {
  return {
    keyId,
    publicKey,
    ...(notBefore ? { validFromMicros: microsOf(notBefore) } : {}),
    ...(notAfter ? { validUntilMicros: microsOf(notAfter) } : {}),
    ...(revokedAt ? { revoked: true } : {}),
    ...(compromisedAt ? { compromisedAtMicros: microsOf(compromisedAt) } : {}),
  }
}
