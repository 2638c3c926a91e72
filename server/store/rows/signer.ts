import { type TrustAuthority, trustKeyOf } from "@trust-registry/eatp"
import { type AuthorityRow, authorityOf } from "./authorityRows.js"

/** An authority as verification needs it, and its revision. */
export interface StoredSigner {
  signer: TrustAuthority
  revision: bigint
}

/** The signer of a row. Throws AUTHORITY_CORRUPT for a document that does not parse. */
export function signerOf(row: AuthorityRow): StoredSigner {
  return {
    signer: { id: row.authority_id, keys: authorityOf(row).keys.map(trustKeyOf), active: row.is_active },
    revision: row.revision,
  }
}
