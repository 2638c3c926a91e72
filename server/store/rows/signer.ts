import { type TrustAuthority, trustAuthority } from "@trust-registry/eatp"
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
  const authority = authorityOf(row)
  const { permissions, parentAuthorityId = "" } = authority
  return {
    signer: { ...trustAuthority(authority, { isActive: row.is_active }), permissions },
    parentId: parentAuthorityId,
    revision: row.revision,
  }
}
