import type { ServerInfoService } from "@trust-registry/proto"
import type { RpcContext } from "../rpc/context.js"
import type { Handlers } from "../rpc/handlers.js"
import { SCHEMA_VERSION } from "../store/database/migrate.js"
import { timestampOf } from "../store/rows/micros.js"
import type { Store } from "../store/store.js"

/** What a process knows about itself before it serves. */
export interface ProcessInfo {
  /** Version of the server. */
  readonly version: string
  /** The number of this worker, from 1; 0 without workers. */
  readonly worker: number
  /** In microseconds since 1970. */
  readonly startedAtMicros: bigint
  /** The largest message that it takes, in bytes. */
  readonly maxMessageBytes: number
}

/** The handlers of ServerInfoService, backed by a store. */
export function createServerInfoHandlers(
  store: Store,
  { version, worker, startedAtMicros, maxMessageBytes }: ProcessInfo,
): Handlers<typeof ServerInfoService, RpcContext> {
  return {
    getServerInfo: async () => {
      const { feed, chains, authorities } = store
      const databaseAvailable = store.monitor.available
      const oldestRevision = databaseAvailable
        ? await store.history.oldestRevision().catch(() => undefined)
        : undefined
      const ageMs = feed.age()
      return {
        version,
        schemaVersion: SCHEMA_VERSION,
        startedAt: timestampOf(startedAtMicros),
        worker,
        maxMessageBytes: BigInt(maxMessageBytes),
        databaseAvailable,
        feedRevision: feed.position,
        newestRevision: feed.head,
        ...(Number.isFinite(ageMs) ? { feedAge: durationOf(ageMs) } : {}),
        memoryFresh: performance.now() < feed.freshUntil,
        cachedChains: BigInt(chains.cache.size),
        cachedAuthorities: BigInt(authorities.cache.size),
        clockSkew: durationOf(store.monitor.clockSkewMs),
        ...(oldestRevision === undefined ? {} : { oldestRevision }),
      }
    },
  }
}

function durationOf(ms: number) {
  // A negative duration has both of its parts negative.
  const seconds = Math.trunc(ms / 1000)
  return { seconds: BigInt(seconds), nanos: Math.trunc((ms - seconds * 1000) * 1_000_000) }
}
