import { encode, WatchChainsResponseSchema } from "@trust-registry/proto"

/** Most bytes of a response, except that it holds at least one event: for a slow watcher it stays in memory. */
const MAX_RESPONSE_BYTES = 128 * 1024

/** An event for a watcher. */
export interface WatchEvent {
  revision: bigint
  /** The event as a WatchChainsResponse in protobuf's binary form. */
  piece: Buffer
}

/**
 * Packs events into responses of bounded size; without events, one empty response. A watcher may resume from the next_revision of
 * any response, so only the last one carries `next`; an earlier one carries the revision after its last event.
 */
export function* responses(events: WatchEvent[], next: bigint, caughtUp: boolean): Generator<Buffer> {
  let pieces: Buffer[] = []
  let bytes = 0
  for (const [index, { piece }] of events.entries()) {
    if (pieces.length > 0 && bytes + piece.length > MAX_RESPONSE_BYTES) {
      yield response(pieces, (events[index - 1]?.revision ?? 0n) + 1n, false)
      pieces = []
      bytes = 0
    }
    pieces.push(piece)
    bytes += piece.length
  }
  yield response(pieces, next, caughtUp)
}

function response(pieces: Buffer[], nextRevision: bigint, caughtUp: boolean): Buffer {
  return Buffer.concat([...pieces, encode(WatchChainsResponseSchema, { nextRevision, caughtUp })])
}
