import { setTimeout as sleep } from "node:timers/promises"
import type { MessageInitShape } from "@bufbuild/protobuf"
import { status } from "@grpc/grpc-js"
import type {
  ChainEvent,
  TrustStoreService,
  WatchChainsRequestSchema,
  WatchChainsResponse,
} from "@trust-registry/proto"
import { storedChainOf } from "./chainEvent.js"
import { isMismatch } from "./connectionFault.js"
import { TrustStoreError } from "./errors.js"
import type { CallOptions } from "./options.js"
import type { Call } from "./rpc/calls.js"

/** Which changes, and from where on. */
export type WatchRequest = MessageInitShape<typeof WatchChainsRequestSchema>

/** How a watch is made. */
export interface WatchOptions extends CallOptions {
  /**
   * Hears when the line is there, when it is lost (or could not be had at first), and when it is back: once each, and not
   * of every attempt in between. Default: nobody hears of it.
   */
  onState?: ((state: WatchState) => void) | undefined
}

/** How the line of a watch is. */
export interface WatchState {
  /** Whether the registry answers it. */
  open: boolean
  /** From where the watch goes on. 0n before anything was received. */
  nextRevision: bigint
  /** Why it is not open; undefined also where the registry ended it without an error. */
  error?: TrustStoreError
}

/**
 * Changes of chains as they come: iterate it for the events. It goes on by itself where it was when the line or the server
 * went away, with nothing skipped and nothing repeated, and reads no further ahead than it is iterated. It ends by the signal,
 * whose reason it throws, by leaving the loop, or with what going on cannot mend: a {@link TrustStoreError}, for one
 * RevisionCompactedError where it was away for longer than the history is kept, or one with code UNAVAILABLE where its first
 * attempt meets a registry that speaks TLS in another way. An address that nobody serves is tried for ever: `onState` tells.
 */
export interface ChainWatch extends AsyncIterable<ChainEvent> {
  /** Where another watch would go on after all that the loop is done with: its `startRevision`. 0n before anything was received. */
  readonly nextRevision: bigint
  /** The responses themselves, also those without events, which say how far the watch is and whether it is caught up. */
  responses(): AsyncIterable<WatchChainsResponse>
}

type WatchChains = Call<(typeof TrustStoreService)["method"]["watchChains"], CallOptions>

/** Waits between two attempts double from the first to the longest, each shortened at random. */
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 5_000

/**
 * A watch over the RPC WatchChains; each attempt is a call of its own.
 *
 * @param isOpen whether the connection has not been closed
 */
export function chainWatch(
  watchChains: WatchChains,
  request: WatchRequest,
  { onState, ...options }: WatchOptions = {},
  isOpen: () => boolean = () => true,
): ChainWatch {
  let nextRevision = 0n

  async function* responses() {
    let resumed = request
    let waitMs = FIRST_WAIT_MS
    let open: boolean | undefined
    let received = false
    const notify = (now: boolean, error?: TrustStoreError) => {
      if (open !== now) onState?.({ open: now, nextRevision, ...(error ? { error } : {}) })
      open = now
    }
    for (;;) {
      let lost: TrustStoreError | undefined
      try {
        for await (const response of watchChains(resumed, options)) {
          waitMs = FIRST_WAIT_MS
          received = true
          notify(true)
          yield response
          nextRevision = response.nextRevision
          resumed = { ...request, startRevision: nextRevision, includeCurrent: false }
        }
      } catch (error) {
        if (!isOpen() || !isPassing(error) || (!received && isMismatch(error))) throw error
        lost = error
      }
      notify(false, lost)
      await pause(waitMs * (0.5 + Math.random() / 2), options.signal)
      waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2)
    }
  }

  return {
    get nextRevision() {
      return nextRevision
    },
    responses,
    async *[Symbol.asyncIterator]() {
      for await (const { events } of responses()) {
        for (const event of events) {
          yield event
          const { revision } = storedChainOf(event)?.record ?? {}
          if (revision !== undefined) nextRevision = revision + 1n
        }
      }
    },
  }
}

async function pause(ms: number, signal: AbortSignal | undefined) {
  await sleep(ms, undefined, { signal }).catch(() => signal?.throwIfAborted())
}

/** Whether it was the line, or a server that may be back: what has a reason of its own would fail again. */
function isPassing(error: unknown): error is TrustStoreError {
  if (!(error instanceof TrustStoreError)) return false
  const { reason, code } = error
  return reason === undefined || reason === "CANCELLED" ? LOST.has(code) : PASSING.has(reason)
}

const PASSING = new Set(["SHUTTING_DOWN", "DATABASE_UNAVAILABLE", "OVERLOADED"])

/** What grpc-js makes of a line that is lost; our own signal is told by its reason. */
const LOST = new Set([status.UNAVAILABLE, status.CANCELLED, status.INTERNAL, status.UNKNOWN])
