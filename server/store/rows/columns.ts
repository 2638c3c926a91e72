import type { Sql } from "../database/sql.js"

/** The columns of a chain's record, of a table `c`: trust_chains or its history. */
export function recordColumns(sql: Sql) {
  return sql`c.agent_id, c.revision, c.authority_id, c.chain_hash, c.content_hash, c.status, c.is_active,
    c.signature_status, c.created_at, c.updated_at, c.expires_at, c.updated_by,
    c.revokes_at`
}

/** What else of `c` decides whether its chain is in force, besides its document. */
export function standingColumns(sql: Sql) {
  return sql`c.revocations, coalesce(c.document_revision, c.revision) as document_revision`
}

/** The columns of an authority, of a table `a`: trust_authorities or its history. */
export function authorityColumns(sql: Sql) {
  return sql`a.revision, a.authority_id, a.authority_data, a.is_active, a.created_at, a.updated_at, a.updated_by,
    a.document_proof, a.self_signed`
}
