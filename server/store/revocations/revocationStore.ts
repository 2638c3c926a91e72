import type { AuthorityStore } from "../authorities/authorityStore.js"
import type { ChainStore } from "../chains/chainStore.js"
import type { Database } from "../database/database.js"
import { type CascadeState, type Cascades, readCascadeState } from "./cascades.js"
import { type ImportedRecord, type ImportedRecords, importRecords } from "./importedRecords.js"
import {
  type ListedRevocation,
  liftRevocation,
  listRevocations,
  type RevocationOutcome,
  type RevocationPage,
  type Revoke,
  writeRevocation,
} from "./revocations.js"

/** The revocations in PostgreSQL. */
export interface RevocationStore {
  /** Revokes something with all that descends from it. It is durable once this resolves with an outcome that accepts it. */
  revoke(revoke: Revoke): Promise<RevocationOutcome>
  /** The time by the clock of the database, in microseconds since 1970. */
  now(): bigint
  /** Lifts a suspension. */
  lift(lift: { revocationId: string; requestId: string; actor: string }): Promise<RevocationOutcome>
  /** Stores revoked records of another registry, all or none. */
  import(records: readonly ImportedRecord[]): Promise<ImportedRecords>
  /** Whether a large cascade is in progress. */
  cascadeState(): Promise<CascadeState>
  /** A page of revocations, the last made first, and whether more follow. */
  list(page: RevocationPage): Promise<{ rows: ListedRevocation[]; more: boolean }>
}

/**
 * Opens the store of revocations. A cascade may be long, so revocations get the time of a scan.
 *
 * @param chains forgets the chains that a revocation changed, before the caller gets its outcome
 * @param authorities likewise
 * @param cascades continues what a revocation leaves to be done
 */
export function createRevocationStore(
  database: Database,
  chains: Pick<ChainStore, "forget">,
  authorities: Pick<AuthorityStore, "forget">,
  cascades: Pick<Cascades, "wake">,
): RevocationStore {
  const forgetChanged = (outcome: RevocationOutcome) => {
    const ids = (column: "agent_id" | "authority_id") =>
      new Set(outcome.rows.flatMap((row) => (row[column] === null ? [] : [row[column]])))
    chains.forget(ids("agent_id"))
    authorities.forget(ids("authority_id"))
    if (outcome.waiting !== null) cascades.wake()
    return outcome
  }
  return {
    now: database.monitor.now,
    revoke: async (revoke) =>
      forgetChanged(await database.scan((sql, notAfter) => writeRevocation(sql, revoke, notAfter))),
    lift: async (lift) =>
      forgetChanged(await database.scan((sql, notAfter) => liftRevocation(sql, lift, notAfter))),
    import: async (records) => {
      try {
        return await database.scan((sql, notAfter) => importRecords(sql, records, notAfter))
      } finally {
        // After a failure too, because the transaction may have been committed.
        chains.forget(records.flatMap(({ agent_id }) => agent_id ?? []))
        authorities.forget(records.flatMap(({ authority_id }) => authority_id ?? []))
      }
    },
    cascadeState: () => database.run(readCascadeState),
    list: (page) => database.scan((sql) => listRevocations(sql, page)),
  }
}
