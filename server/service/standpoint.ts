import type { GetChainRequest, VerifyTrustRequest } from "@trust-registry/proto"
import { invalidRequest } from "../errors.js"
import { nowMicros } from "../store/rows.js"
import type { Store } from "../store/store.js"
import type { TrustReader } from "../store/trustReader.js"

/** Out of what a call is answered, and for which moment. */
export interface Standpoint {
  reader: TrustReader
  /** By which clock expiry is judged, in microseconds since 1970. */
  nowMicros: bigint
}

/** What a request says of how new its answer is to be. */
export type Consistency = GetChainRequest["consistency"] | VerifyTrustRequest["consistency"]

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
    case "strong":
      return { reader: consistency.value ? store.strong() : store, nowMicros: nowMicros() }
    case undefined:
      return { reader: store, nowMicros: nowMicros() }
  }
}

async function momentOf(store: Store, revision: bigint): Promise<bigint> {
  if (revision < 1n) throw invalidRequest("at_revision", `is ${revision}; at least 1 is allowed`)
  const { newest, micros } = await store.readMoment(revision)
  if (revision > newest)
    throw invalidRequest("at_revision", `is ${revision}; the newest revision is ${newest}`)
  if (micros === null) throw invalidRequest("at_revision", `is ${revision}, which is before the first change`)
  return micros
}
