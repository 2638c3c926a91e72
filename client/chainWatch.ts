import type { MessageInitShape } from "@bufbuild/protobuf"
import type {
  ChainEvent,
  TrustStoreService,
  WatchChainsRequestSchema,
  WatchChainsResponse,
} from "@trust-registry/proto"
import { storedChainOf } from "./chainEvent.js"
import { isMismatch } from "./connectionFault.js"
import type { TrustStoreError } from "./errors.js"
import type { CallOptions } from "./options.js"
import { resumption } from "./resume.js"
import type { Call } from "./rpc/calls.js"

/** Which changes to watch, and from which revision on. */
export type WatchRequest = MessageInitShape<typeof WatchChainsRequestSchema>

/** Options of a watch. */
export interface WatchOptions extends CallOptions {
  /**
   * Called once each time the connection is established, lost (or could not be established at first) and restored, not for
   * the attempts in between. Default: none.
   */
  onState?: ((state: WatchState) => void) | undefined
}

/** The state of the connection of a watch. */
export interface WatchState {
  /** Whether the registry responds. */
  open: boolean
  /** The revision from which the watch resumes. 0n before the first response. */
  nextRevision: bigint
  /** Why it is not open. Undefined if the registry ended the call without an error. */
  error?: TrustStoreError
}

/**
 * Changes of chains as they happen: iterate it for the events. It resumes by itself when the connection or the server goes
 * away, or a proxy ends it with any status, without skipping or repeating anything, and reads no further ahead than it is iterated. It ends when you leave the
 * loop, when the signal is aborted (it throws the signal's reason), or with a {@link TrustStoreError} that a retry cannot
 * fix: RevisionCompactedError after an absence longer than history is kept, or code UNAVAILABLE if TLS cannot be negotiated
 * on the first attempt. It retries an address that does not respond forever; `onState` reports that.
 */
export interface ChainWatch extends AsyncIterable<ChainEvent> {
  /** The `startRevision` of a watch that resumes after the events that the loop has handled. 0n before the first response. */
  readonly nextRevision: bigint
  /** The responses, including bookmarks: responses without events that report the position and whether the watch has caught up. */
  responses(): AsyncIterable<WatchChainsResponse>
}

type WatchChains = Call<(typeof TrustStoreService)["method"]["watchChains"], CallOptions>

/**
 * Watches by the RPC WatchChains; each attempt is a call of its own.
 *
 * @param isOpen whether the connection is still open
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
    const notify = (now: boolean, error?: TrustStoreError) => {
      if (open !== now) onState?.({ open: now, nextRevision, ...(error ? { error } : {}) })
      open = now
    }
    for (;;) {
      let lost: TrustStoreError | undefined
      try {
        for await (const response of watchChains(resumed, resuming.options())) {
          resuming.progressed()
          notify(true)
          yield response
          nextRevision = response.nextRevision
          resumed = { ...request, startRevision: nextRevision, includeCurrent: false }
        }
      } catch (error) {
        if (!isOpen() || !resuming.mayMend(error) || (!resuming.heard && isMismatch(error))) throw error
        lost = error
      }
      notify(false, lost)
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
