import type { MessageInitShape } from "@bufbuild/protobuf"
import type { WatchChainsRequestSchema, WatchChainsResponse } from "@trust-registry/proto"
import { expect } from "chai"
import type postgres from "postgres"
import { type SeenEvent, seen } from "./events.js"
import { until } from "./until.js"

/** Opens the watch to validate, through the SDK or a bare call. */
export type OpenWatch = (
  request: MessageInitShape<typeof WatchChainsRequestSchema>,
  signal: AbortSignal,
) => AsyncIterable<WatchChainsResponse>

/** A watch that validates each response on arrival. */
export interface ValidatedWatch {
  /** The events so far, across all connections. */
  readonly events: readonly SeenEvent[]
  /** The revision to resume from. */
  readonly next: bigint
  /** The error that ended the watch, or a validation error. */
  readonly failure: unknown
  /** Waits until every change below `revision` was reported; throws a validation error. */
  reaches(revision: bigint): Promise<void>
  /** Waits until every change now in history was reported. */
  reachesHead(sql: postgres.Sql): Promise<void>
  /** Ends the connection, and resumes through another. */
  resume(open: OpenWatch): Promise<void>
  /** Ends the connection. */
  stop(): Promise<void>
  /** Asserts that the events are exactly those in history. Only for watches without a filter. */
  agreesWith(sql: postgres.Sql): Promise<void>
}

/**
 * Follows a watch and validates each response: events in the order of revisions without repetition, and a next_revision that
 * never decreases and is above every reported revision.
 */
export function validateWatch(
  open: OpenWatch,
  request: MessageInitShape<typeof WatchChainsRequestSchema> = {},
): ValidatedWatch {
  const events: SeenEvent[] = []
  let start: bigint | undefined
  let next = 0n
  let failure: unknown
  let line = begin(open, request)

  function begin(open: OpenWatch, sent: typeof request) {
    const stop = new AbortController()
    const ended = (async () => {
      for await (const response of open(sent, stop.signal)) take(response)
    })().catch((error) => {
      if (!stop.signal.aborted) failure = error
    })
    return { stop, ended }
  }

  function take(response: WatchChainsResponse) {
    for (const event of response.events.map(seen)) {
      const revision = event.record?.revision ?? 0n
      if (revision < next)
        throw new Error(`revision ${revision} was reported, although all below ${next} had been`)
      if (revision >= response.nextRevision)
        throw new Error(
          `revision ${revision} was reported in a response that resumes at ${response.nextRevision}`,
        )
      if (event.chain && (event.kind === "left" || event.unreadable))
        throw new Error(`revision ${revision} came with an unexpected chain: ${event.word}`)
      const last = events.at(-1)?.record?.revision ?? -1n
      if (revision <= last) throw new Error(`revision ${revision} was reported after ${last}`)
      events.push(event)
    }
    if (response.nextRevision < next)
      throw new Error(`the watch went back from ${next} to ${response.nextRevision}`)
    next = response.nextRevision
    start ??= events[0]?.record?.revision ?? next
  }

  const reaches = (revision: bigint) =>
    until(`the watch has reported all below ${revision}; it is at ${next}`, () => {
      if (failure !== undefined) return true
      return next >= revision
    }).then(() => {
      if (failure !== undefined) throw failure
    })
  const stop = async () => {
    line.stop.abort()
    await line.ended
  }

  return {
    events,
    get next() {
      return next
    },
    get failure() {
      return failure
    },
    reaches,
    reachesHead: async (sql) => {
      const [row] = await sql`select coalesce(max(revision), 0)::text as head from trust_chain_revisions`
      await reaches(BigInt(row?.head) + 1n)
    },
    resume: async (another) => {
      await stop()
      failure = undefined
      line = begin(another, next > 0n ? { ...request, startRevision: next, includeCurrent: false } : request)
    },
    stop,
    agreesWith: async (sql) => {
      if (failure !== undefined) throw failure
      const from = start ?? next
      const rows = await sql`
        select revision::text, operation from trust_chain_revisions
        where revision >= ${String(from)} and revision < ${String(next)} order by trust_chain_revisions.revision`
      const reported = events.filter(({ kind }) => kind !== "current")
      expect(reported.map(({ word, record }) => `${record?.revision} ${word}`)).to.deep.equal(
        rows.map(({ revision, operation }) => `${revision} ${wordOf(operation)}`),
      )
    },
  }
}

/** Returns the contract's name of an operation in the database's history. */
export function wordOf(operation: unknown): string {
  return String(operation).toUpperCase()
}
