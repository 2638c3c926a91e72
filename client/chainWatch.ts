import type { MessageInitShape } from "@bufbuild/protobuf"
import type {
  ChainEvent,
  TrustStoreService,
  WatchChainsRequestSchema,
  WatchChainsResponse,
} from "@trust-registry/proto"
import { storedChainOf } from "./chainEvent.js"
import type { TrustStoreError } from "./errors.js"
import { isMismatch } from "./lineFault.js"
import type { CallOptions } from "./options.js"
import { resumption } from "./resume.js"
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
  /** From where the watch goes on. 0n before anything was heard. */
  nextRevision: bigint
  /** Why it is not open; undefined also where the registry ended it without an error. */
  error?: TrustStoreError
}

/**
 * Changes of chains as they come: iterate it for the events. It goes on by itself where it was when the line or the server
 * went away, or a proxy ended it with whatever status, with nothing skipped and nothing repeated, and reads no further ahead
 * than it is iterated. It ends by the signal,
 * whose reason it throws, by leaving the loop, or with what going on cannot mend: a {@link TrustStoreError}, for one
 * RevisionCompactedError where it was away for longer than the history is kept, or one with code UNAVAILABLE where its first
 * attempt meets a registry that speaks TLS in another way. An address that nobody serves is tried for ever: `onState` tells.
 */
export interface ChainWatch extends AsyncIterable<ChainEvent> {
  /** Where another watch would go on after all that the loop is done with: its `startRevision`. 0n before anything was heard. */
  readonly nextRevision: bigint
  /** The responses themselves, also those without events, which say how far the watch is and whether it is caught up. */
  responses(): AsyncIterable<WatchChainsResponse>
}

type WatchChains = Call<(typeof TrustStoreService)["method"]["watchChains"], CallOptions>

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
    const resuming = resumption(options)
    let open: boolean | undefined
    const tell = (now: boolean, error?: TrustStoreError) => {
      if (open !== now) onState?.({ open: now, nextRevision, ...(error ? { error } : {}) })
      open = now
    }
    for (;;) {
      let lost: TrustStoreError | undefined
      try {
        for await (const response of watchChains(resumed, resuming.options())) {
          resuming.progressed()
          tell(true)
          yield response
          nextRevision = response.nextRevision
          resumed = { ...request, startRevision: nextRevision, includeCurrent: false }
        }
      } catch (error) {
        if (!isOpen() || !resuming.mayMend(error) || (!resuming.heard && isMismatch(error))) throw error
        lost = error
      }
      tell(false, lost)
      await resuming.wait()
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
