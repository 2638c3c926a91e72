import { encode, WatchChainsResponseSchema } from "@trust-registry/proto"

/** A response ends at this size, but holds at least one event, in bytes: a watcher that does not read keeps it in memory. */
const MAX_RESPONSE_BYTES = 128 * 1024

/** An event for a watcher. */
export interface Told {
  revision: bigint
  /** The event as a WatchChainsResponse in protobuf's binary form. */
  piece: Buffer
}

/**
 * The events in responses of bounded size; one response without events if there are none. A watcher may resume from the
 * next_revision of any response, so that only the last one gives `next`, and one before it the revision after its last event.
 */
export function* responses(told: Told[], next: bigint, caughtUp: boolean): Generator<Buffer> {
  let pieces: Buffer[] = []
  let bytes = 0
  for (const [index, { piece }] of told.entries()) {
    if (pieces.length > 0 && bytes + piece.length > MAX_RESPONSE_BYTES) {
      yield response(pieces, (told[index - 1]?.revision ?? 0n) + 1n, false)
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
