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

/** Where a snapshot comes from that satisfies a requirement. */
export interface SnapshotSource {
  /** Sources of the same kind read the same state if they are opened at the same time. */
  kind: string
  /** Begins a snapshot now. The signal ends its reading. */
  open(signal: AbortSignal): ReadSnapshot
  /** A snapshot that throws NOT_IN_MEMORY for what is not there; undefined where memory does not do. */
  kept?: () => ReadSnapshot
}

/** The snapshot that satisfies a requirement. Throws INVALID_REQUEST for a revision that does not exist. */
export async function readSnapshot(
  store: Store,
  requirement: Requirement,
  signal: () => AbortSignal,
): Promise<ReadSnapshot> {
  const source = await sourceOf(store, requirement)
  // Making a signal takes longer than a read from memory.
  return source.kept ? memorySnapshot(store) : source.open(signal())
}

/** The source that satisfies a requirement. Throws INVALID_REQUEST for a revision that does not exist. */
export async function sourceOf(store: Store, requirement: Requirement): Promise<SnapshotSource> {
  switch (requirement.case) {
    case "atRevision": {
      const past = await stateAt(store, requirement)
      return pastSource(store, past, `revision ${past.revision}`)
    }
    case "minRevision":
      return (await hasReached(store, requirement)) ? memorySource(store) : strongSource(store)
    case "strong":
      return strongSource(store)
    case undefined:
      return memorySource(store)
  }
}

/** The source of a past state; `kind` names it. */
export function pastSource(
  store: Store,
  past: { micros: bigint; revision?: bigint },
  kind: string,
): SnapshotSource {
  return { kind, open: () => ({ reader: store.at(past), nowMicros: past.micros }) }
}

function memorySource(store: Store): SnapshotSource {
  const kept = () => ({ reader: store.memory.kept, nowMicros: store.now() })
  return { kind: "memory", open: () => memorySnapshot(store), kept }
}

function memorySnapshot(store: Store): ReadSnapshot {
  return { reader: store.memory, nowMicros: store.now() }
}

function strongSource(store: Store): SnapshotSource {
  return { kind: "strong", open: (signal) => ({ reader: store.strong(signal), nowMicros: store.now() }) }
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

/** Whether memory reaches the revision in time; otherwise the database has it. */
async function hasReached(store: Store, requirement: RevisionRequirement): Promise<boolean> {
  const learned = store.feed.reached(requirement.value, AbortSignal.timeout(LEARN_MS)).then(
    () => true,
    () => false,
  )
  if (await learned) return true
  assureExists(requirement, await store.history.newestRevision())
  return false
}

async function stateAt(store: Store, requirement: RevisionRequirement): Promise<PastState> {
  const revision = requirement.value
  const { newest, micros } = await store.history.momentOf(revision)
  assureExists(requirement, newest)
  if (micros === null)
    throw invalidRequest(FIELDS.atRevision, `is ${revision}, which is before the first change`)
  return { revision, micros }
}
