import type { Http2Stream, ServerHttp2Stream } from "node:http2"
import { ErrorReason } from "@trust-registry/proto"
import type { ByteAccount, Purpose, SubAccount } from "../async/byteAccount.js"
import { RegistryError } from "../errors.js"
import type { ServerCall } from "./handlers.js"

/** What an open call counts for besides its messages: its objects, and what arrives before it can be paused. */
export const CALL_BYTES = 16 * 1024
/** What a byte of a message counts for: the frames, the whole message, and the objects that it is decoded to. */
const OBJECT_FACTOR = 4

/** Of a message, in front of it: whether it is compressed, and its length. */
export const PREFIX_BYTES = 5
const SMALL_BYTES = CALL_BYTES / OBJECT_FACTOR

/** What a call holds: the requests that arrived, what its work needs, and the answers that are not sent. */
export type Part = "requests" | "work" | "answer"

/** Counts the messages of a call as they arrive. */
export interface Arrivals {
  /** Whether the stream is paused until there is room. */
  readonly paused: boolean
  /** Since when a message waits for its next bytes, by `performance.now()`; undefined where none is unfinished. */
  readonly stalledSince: number | undefined
  /** Notes the bytes of a frame. */
  arrived(frame: Buffer): void
  /** Notes that the handler has read the oldest message. It counts for what it is from then on, if the call keeps it. */
  read(bytes: number, kept: boolean): void
}

/** What one call holds of the account, until its stream has closed. */
export class Share {
  readonly startedAt = performance.now()
  /** Since when an answer waits for its reader, by `performance.now()`; 0 while none does. */
  unreadSince = 0
  /** Whether it answers with a stream, whose reader may take its time. */
  isStream = false
  /** Whether the handler has begun, for which a unary request must be whole. */
  handled = false
  /** Counts what arrives, from the first frame on that is more than a small message. */
  receiving: Arrivals | undefined = undefined
  /** Small messages that arrived before that and were not read by the handler. */
  #small = 0
  /** Its place among the open calls. */
  place = 0
  readonly stream: ServerHttp2Stream
  readonly #account: ByteAccount
  readonly #of: SubAccount
  readonly #held: Record<Part, number> = { requests: 0, work: 0, answer: 0 }
  #ended = false

  /** @param requests bytes that were taken for it already */
  constructor(stream: ServerHttp2Stream, account: ByteAccount, of: SubAccount, requests: number) {
    this.stream = stream
    this.#account = account
    this.#of = of
    this.#held.requests = requests
  }

  /** Whether a frame is one small message, which counts for nothing, as it is in nearly every call. */
  isSmall(frame: Buffer): boolean {
    if (this.receiving !== undefined || frame.length > SMALL_BYTES || frame.length < PREFIX_BYTES)
      return false
    if (frame[0] !== 0 || frame.readUInt32BE(1) + PREFIX_BYTES !== frame.length) return false
    this.#small++
    return true
  }

  /** Notes that the handler has read the oldest message. It counts for what it is from then on, if the call keeps it. */
  read(bytes: number, kept: boolean): void {
    if (this.#small > 0) this.#small--
    else this.receiving?.read(bytes, kept)
  }

  /** What it holds of one part. */
  held(part: Part): number {
    return this.#held[part]
  }

  /**
   * Holds so many bytes of one part from now on: undefined if it does, else a promise that waits for room and rejects with OVERLOADED
   * where none comes.
   */
  hold(part: Part, bytes: number): Promise<void> | undefined {
    const more = bytes - this.#held[part]
    if (more === 0 || this.#ended) return undefined
    if (more < 0) {
      this.#held[part] = bytes
      this.#account.give(-more, this.#of)
      return undefined
    }
    const room = this.#account.take(more, PURPOSES[part], this.#of)
    if (room === undefined) this.#held[part] += more
    return room?.then(() => {
      this.#held[part] += more
      if (!this.#ended) return
      this.#account.give(more, this.#of)
      throw new RegistryError(ErrorReason.CANCELLED, "the caller left while the call waited for room")
    })
  }

  /**
   * Holds an answer in place of the request and the work: undefined if it does, else a promise that waits for room, as that of
   * {@link hold}. A small answer counts for nothing.
   */
  answer(bytes: number): Promise<void> | undefined {
    this.unreadSince = performance.now()
    const { requests, work } = this.#held
    if (requests + work > 0) {
      this.#held.requests = 0
      this.#held.work = 0
      this.#held.answer += requests + work
    }
    return this.hold("answer", bytes <= CALL_BYTES ? 0 : bytes)
  }

  /** Gives everything back. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    const { requests, work, answer } = this.#held
    this.#account.give(CALL_BYTES + requests + work + answer, this.#of)
  }
}

const PURPOSES: Readonly<Record<Part, Purpose>> = { requests: "work", work: "work", answer: "answer" }

/** What a message of so many bytes counts for; a small one nothing, since an open call counts for it. */
export function countedBytes(messageBytes: number): number {
  return messageBytes * OBJECT_FACTOR <= CALL_BYTES ? 0 : messageBytes * OBJECT_FACTOR
}

/** Remembers the share of the call on a stream. */
export function setShare(stream: ServerHttp2Stream & Shared, share: Share): void {
  stream[SHARE] = share
}

/** The share of the call on a stream; undefined where calls are not counted. */
export function shareOn(stream: (Http2Stream & Shared) | undefined): Share | undefined {
  return stream?.[SHARE]
}

/** The share of a call as grpc-js hands it over, which does not document where it keeps the stream. */
export function shareOf(raw: ServerCall): Share | undefined {
  return shareOn((raw as unknown as { call?: { stream?: Http2Stream } }).call?.stream)
}

/** A property is read on each call; a WeakMap takes ten times as long. */
const SHARE = Symbol("share")
type Shared = { [SHARE]?: Share }
