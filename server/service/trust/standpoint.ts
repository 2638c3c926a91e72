import type { CheckAuthorityRequest, GetChainRequest, VerifyTrustRequest } from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import type { TrustReader } from "../../store/cache/trustReader.js"
import { nowMicros } from "../../store/chains/rows.js"
import type { Store } from "../../store/store.js"

/** Out of what a call is answered, and for which moment. */
export interface Standpoint {
  reader: TrustReader
  /** By which clock expiry is judged, in microseconds since 1970. */
  nowMicros: bigint
}

/** What a request says of how new its answer is to be. */
export type Consistency = (GetChainRequest | VerifyTrustRequest | CheckAuthorityRequest)["consistency"]

/** Whether memory answers, and nothing need be waited for. */
export function asksMemory({ feed }: Store, consistency: Consistency): boolean {
  if (consistency.case === "minRevision") return consistency.value >= 0n && feed.position >= consistency.value
  return consistency.case === undefined
}

/**
 * Where a request asks to be answered from: memory, the database now, or the state right after a revision, which is judged at
 * that revision's moment. Throws INVALID_REQUEST for a revision that was not yet.
 */
export async function standpointOf(store: Store, consistency: Consistency): Promise<Standpoint> {
  switch (consistency.case) {
    case "atRevision": {
      const revision = consistency.value
      const micros = await momentOf(store, revision)
      return { reader: store.at({ revision, micros }), nowMicros: micros }
    }
    case "minRevision":
      return { reader: await readerFrom(store, consistency.value), nowMicros: nowMicros() }
    case "strong":
      return { reader: consistency.value ? store.strong() : store, nowMicros: nowMicros() }
    case undefined:
      return { reader: store, nowMicros: nowMicros() }
  }
}

/** How long memory may take to hear of a revision, in milliseconds; usually it takes some few. */
const HEAR_MS = 250

/** Memory once it has heard of the revision, or the database where that takes too long. */
async function readerFrom(store: Store, revision: bigint): Promise<TrustReader> {
  if (revision < 0n) throw invalidRequest("min_revision", `is ${revision}; at least 0 is allowed`)
  const heard = store.feed.reached(revision, AbortSignal.timeout(HEAR_MS)).then(
    () => true,
    () => false,
  )
  if (await heard) return store
  const newest = await store.newestRevision()
  if (revision > newest)
    throw invalidRequest("min_revision", `is ${revision}; the newest revision is ${newest}`)
  return store.strong()
}

async function momentOf(store: Store, revision: bigint): Promise<bigint> {
  if (revision < 1n) throw invalidRequest("at_revision", `is ${revision}; at least 1 is allowed`)
  const { newest, micros } = await store.readMoment(revision)
  if (revision > newest)
    throw invalidRequest("at_revision", `is ${revision}; the newest revision is ${newest}`)
  if (micros === null) throw invalidRequest("at_revision", `is ${revision}, which is before the first change`)
  return micros
}
