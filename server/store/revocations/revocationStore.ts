import type { Database } from "../database/database.js"
import type { RevocationRow } from "./revocationRows.js"
import {
  liftRevocation,
  listRevocations,
  type RevocationOutcome,
  type RevocationPage,
  type Revoke,
  writeRevocation,
} from "./revocations.js"

/** The revocations in PostgreSQL. */
export interface RevocationStore {
  /** Revokes with all that descends; it is durable when this resolves with an outcome that says so. */
  revoke(revoke: Revoke): Promise<RevocationOutcome>
  /** Lifts a suspension. */
  lift(lift: { revocationId: string; requestId: string; actor: string }): Promise<RevocationOutcome>
  /** A page of revocations, newest change first. */
  list(page: RevocationPage): Promise<{ rows: RevocationRow[]; more: boolean }>
}

/**
 * A cascade may be long, so revocations are given the time of a scan.
 *
 * @param forget hears of what changed, before the caller does
 */
export function createRevocationStore(
  database: Database,
  forget: (changed: { chains: Iterable<string>; authorities: Iterable<string> }) => void,
): RevocationStore {
  const told = (outcome: RevocationOutcome) => {
    const ids = (column: "agent_id" | "authority_id") =>
      new Set(outcome.rows.flatMap((row) => (row[column] === null ? [] : [row[column]])))
    forget({ chains: ids("agent_id"), authorities: ids("authority_id") })
    return outcome
  }
  return {
    revoke: async (revoke) =>
      told(await database.scan((sql, notAfter) => writeRevocation(sql, revoke, notAfter))),
    lift: async (lift) => told(await database.scan((sql, notAfter) => liftRevocation(sql, lift, notAfter))),
    list: (page) => database.scan((sql) => listRevocations(sql, page)),
  }
}
