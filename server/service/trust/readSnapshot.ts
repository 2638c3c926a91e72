import type { CheckAuthorityRequest, GetChainRequest, VerifyTrustRequest } from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import type { TrustReader } from "../../store/readers/trustReader.js"
import { nowMicros } from "../../store/rows/micros.js"
import type { Store } from "../../store/store.js"

/** Where a call reads from, and the time at which it judges expiry. */
export interface ReadSnapshot {
  reader: TrustReader
  /** The time that expiry is compared with, in microseconds since 1970. */
  nowMicros: bigint
}

/** The consistency that a request asks for. */
export type Consistency = (GetChainRequest | VerifyTrustRequest | CheckAuthorityRequest)["consistency"]

/** Whether memory can answer without waiting. */
export function asksMemory({ feed }: Store, consistency: Consistency): boolean {
  if (consistency.case === "minRevision") return consistency.value >= 0n && feed.position >= consistency.value
  return consistency.case === undefined
}

/**
 * The read snapshot that a request asks for: memory, the database, or the state right after a revision, at the time of that
 * revision. Throws INVALID_REQUEST for a revision that does not exist yet.
 */
export async function readSnapshotOf(store: Store, consistency: Consistency): Promise<ReadSnapshot> {
  switch (consistency.case) {
    case "atRevision": {
      const revision = consistency.value
      const micros = await momentOf(store, revision)
      return { reader: store.at({ revision, micros }), nowMicros: micros }
    }
    case "minRevision":
      return { reader: await readerFrom(store, consistency.value), nowMicros: nowMicros() }
    case "strong":
      return { reader: consistency.value ? store.strong() : store.memory, nowMicros: nowMicros() }
    case undefined:
      return { reader: store.memory, nowMicros: nowMicros() }
  }
}

/** How long to wait for memory to reach a revision, in milliseconds; it usually takes a few. */
const REACH_MS = 250

/** Memory once it has reached the revision, or the database if that takes too long. */
async function readerFrom(store: Store, revision: bigint): Promise<TrustReader> {
  if (revision < 0n) throw invalidRequest("min_revision", `is ${revision}; at least 0 is allowed`)
  const reached = store.feed.reached(revision, AbortSignal.timeout(REACH_MS)).then(
    () => true,
    () => false,
  )
  if (await reached) return store.memory
  const newest = await store.history.newestRevision()
  if (revision > newest)
    throw invalidRequest("min_revision", `is ${revision}; the newest revision is ${newest}`)
  return store.strong()
}

async function momentOf(store: Store, revision: bigint): Promise<bigint> {
  if (revision < 1n) throw invalidRequest("at_revision", `is ${revision}; at least 1 is allowed`)
  const { newest, micros } = await store.history.momentOf(revision)
  if (revision > newest)
    throw invalidRequest("at_revision", `is ${revision}; the newest revision is ${newest}`)
  if (micros === null) throw invalidRequest("at_revision", `is ${revision}, which is before the first change`)
  return micros
}
