import { invalidRequest } from "../../errors.js"
import type { TrustReader } from "../../store/readers/trustReader.js"
import type { Store } from "../../store/store.js"
import { assureExists, FIELDS, type Requirement, type RevisionRequirement } from "./consistency.js"

/** The state that a call reads, and the time at which it evaluates expiry. */
export interface ReadSnapshot {
  reader: TrustReader
  /** The time for expiry and graceful revocations, in microseconds since 1970. */
  nowMicros: bigint
}

/** A past state: right after a revision, at the time of that revision in microseconds since 1970. */
export interface PastState {
  revision: bigint
  micros: bigint
}

/** Whether memory can answer without waiting. */
export function isMemoryEnough({ feed }: Store, requirement: Requirement): boolean {
  if (requirement.case === "minRevision") return feed.position >= requirement.value
  return requirement.case === undefined
}

/** The snapshot that satisfies a requirement. Throws INVALID_REQUEST for a revision that does not exist. */
export async function readSnapshot(store: Store, requirement: Requirement): Promise<ReadSnapshot> {
  switch (requirement.case) {
    case "atRevision": {
      const past = await stateAt(store, requirement)
      return { reader: store.at(past), nowMicros: past.micros }
    }
    case "minRevision":
      return { reader: await readerFrom(store, requirement), nowMicros: store.now() }
    case "strong":
      return { reader: store.strong(), nowMicros: store.now() }
    case undefined:
      return { reader: store.memory, nowMicros: store.now() }
  }
}

/**
 * For reads that always go to the database, which satisfies `min_revision` and `strong` by itself: the past state at `at_revision`,
 * or undefined for the current state. Throws INVALID_REQUEST for a revision that does not exist.
 */
export async function pastStateOf(store: Store, requirement: Requirement): Promise<PastState | undefined> {
  if (requirement.case === "atRevision") return await stateAt(store, requirement)
  if (requirement.case === "minRevision" && store.feed.position < requirement.value)
    assureExists(requirement, await store.history.newestRevision())
  return undefined
}

/** How long to wait for memory to reach a revision, in milliseconds; usually it takes a few. */
const LEARN_MS = 250

/** Memory once it has reached the revision, or the database if that takes too long. */
async function readerFrom(store: Store, requirement: RevisionRequirement): Promise<TrustReader> {
  const learned = store.feed.reached(requirement.value, AbortSignal.timeout(LEARN_MS)).then(
    () => true,
    () => false,
  )
  if (await learned) return store.memory
  assureExists(requirement, await store.history.newestRevision())
  return store.strong()
}

async function stateAt(store: Store, requirement: RevisionRequirement): Promise<PastState> {
  const revision = requirement.value
  const { newest, micros } = await store.history.momentOf(revision)
  assureExists(requirement, newest)
  if (micros === null)
    throw invalidRequest(FIELDS.atRevision, `is ${revision}, which is before the first change`)
  return { revision, micros }
}
