import { type TrustAuthority, trustKeyOf, trustRecognitionOf } from "@trust-registry/eatp"
import { type AuthorityRow, authorityOf } from "./authorityRows.js"

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
  const { keys, permissions, recognised, parentAuthorityId = "" } = authorityOf(row)
  return {
    signer: {
      id: row.authority_id,
      keys: keys.map(trustKeyOf),
      active: row.is_active,
      permissions,
      recognised: recognised.map(trustRecognitionOf),
    },
    parentId: parentAuthorityId,
    revision: row.revision,
  }
}
