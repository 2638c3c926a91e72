import type { ServerHttp2Stream } from "node:http2"
import { refuseCall } from "./lateCalls.js"
import { type Arrivals, countedBytes, PREFIX_BYTES, type Share } from "./share.js"

/**
 * Counts the messages of one call as they arrive, each by the length that its prefix announces, and pauses the stream while there is no
 * room for one. It reads the frames before grpc-js does.
 */
export class Receiving implements Arrivals {
  readonly #stream: ServerHttp2Stream
  readonly #share: Share
  /** What a compressed message counts for: how much it inflates to is known only afterwards. */
  readonly #inflatedBytes: number
  readonly #maxMessageBytes: number
  /** What the messages count for that arrived and were not read by the handler. */
  readonly #unread: number[] = []
  #prefix: Buffer = EMPTY
  /** Bytes of the message that have not arrived yet. */
  #missing = 0
  /** Whether the stream is paused until there is room. */
  paused = false
  /** When the last bytes of an unfinished message came. */
  #lastAt = 0

  /** What the call holds for its next messages already. */
  #prepaid: number

  constructor(stream: ServerHttp2Stream, share: Share, maxMessageBytes: number) {
    this.#stream = stream
    this.#share = share
    this.#maxMessageBytes = maxMessageBytes
    this.#inflatedBytes = countedBytes(maxMessageBytes)
    this.#prepaid = share.held("requests")
  }

  /** Since when a message waits for its next bytes, by `performance.now()`; undefined where none is unfinished. */
  get stalledSince(): number | undefined {
    return this.#missing > 0 || this.#prefix.length > 0 ? this.#lastAt : undefined
  }

  /** Notes the bytes of a frame. */
  arrived(chunk: Buffer): void {
    this.#lastAt = performance.now()
    let at = 0
    let added = 0
    while (at < chunk.length) {
      if (this.#missing > 0) {
        const inside = Math.min(this.#missing, chunk.length - at)
        this.#missing -= inside
        at += inside
        continue
      }
      const wanted = PREFIX_BYTES - this.#prefix.length
      this.#prefix = Buffer.concat([this.#prefix, chunk.subarray(at, at + wanted)])
      at += wanted
      if (this.#prefix.length < PREFIX_BYTES) break
      added += this.#begin(this.#prefix)
      this.#prefix = EMPTY
    }
    if (added > 0) this.#makeRoom(added)
  }

  /** Notes that the handler has read the oldest message. It counts for what it is from then on, if the call keeps it. */
  read(bytes: number, kept: boolean): void {
    const counted = (this.#unread.shift() ?? 0) + this.#prepaid
    this.#prepaid = 0
    const now = kept ? countedBytes(bytes) : 0
    if (counted > now) void this.#share.hold("requests", this.#share.held("requests") - counted + now)
  }

  /** Begins a message; gives the bytes that it needs beyond what the call holds. */
  #begin(prefix: Buffer) {
    const bytes = prefix.readUInt32BE(1)
    this.#missing = bytes
    // grpc-js ends the call.
    if (bytes > this.#maxMessageBytes) return 0
    const counted = countedBytes(bytes) + (prefix[0] === 0 ? 0 : this.#inflatedBytes)
    this.#unread.push(counted)
    const prepaid = Math.min(counted, this.#prepaid)
    this.#prepaid -= prepaid
    return counted - prepaid
  }

  #makeRoom(bytes: number) {
    const room = this.#share.hold("requests", this.#share.held("requests") + bytes)
    if (room === undefined) return
    const stream = this.#stream
    this.paused = true
    stream.pause()
    let wanted = true
    // grpc-js resumes the stream when it has read a message.
    stream.resume = () => {
      wanted = true
      return stream
    }
    stream.pause = () => {
      wanted = false
      return stream
    }
    const go = () => {
      this.paused = false
      Reflect.deleteProperty(stream, "resume")
      Reflect.deleteProperty(stream, "pause")
      if (wanted) stream.resume()
    }
    // A refused call stays paused until it is closed.
    room.then(go, (error) => refuseCall(stream, error))
  }
}

const EMPTY = Buffer.alloc(0)
