import { type Sql, timestamptzText } from "../database/sql.js"
import type { RevocationRow } from "../rows/revocationRows.js"

/** A revoked record of another registry. Times are microseconds since 1970. */
export interface ImportedRecord
  extends Pick<
    RevocationRow,
    | "revocation_id"
    | "kind"
    | "agent_id"
    | "authority_id"
    | "record_id"
    | "mode"
    | "descends_from"
    | "compromised_at"
    | "reason"
    | "revoked_by"
  > {
  /** For graceful ones only. */
  effective_at: bigint | null
}

/** How many of them are new, and the newest revision of what was done; 0 if nothing was. */
export interface ImportedRecords {
  created: bigint
  head: bigint
  /** A revocation that has another mode or time, or is in progress: nothing was stored. */
  taken: string | null
}

/**
 * Stores revoked records of another registry, all or none.
 *
 * @param notAfter when this server gives up the write, by the clock of the database in microseconds since 1970
 */
export async function importRecords(
  sql: Sql,
  records: readonly ImportedRecord[],
  notAfter: bigint,
): Promise<ImportedRecords> {
  const json = JSON.stringify(records, (_, value) =>
    typeof value === "bigint" ? timestamptzText(value) : value,
  )
  const rows = await sql<ImportedRecords[]>`
    select * from trust_revocations_import(${json}::text::jsonb, ${sql.typed.timestamptz(notAfter)})`
  return rows[0] ?? { created: 0n, head: 0n, taken: null }
}
