import type { IncomingHttpHeaders } from "node:http"
import type { Http2Session, ServerHttp2Stream } from "node:http2"
import { ErrorReason } from "@trust-registry/proto"
import { ByteAccount, type SubAccount } from "../async/byteAccount.js"
import { RegistryError } from "../errors.js"
import { endLateCalls, refuseCall } from "./lateCalls.js"
import { Receiving } from "./receiving.js"
import { CALL_BYTES, countedBytes, Share, setShare, shareOn } from "./share.js"

/** The limits of what calls may hold. */
export interface AdmissionOptions {
  /** Most bytes that the calls of this process hold. */
  readonly callBytes: number
  /** The largest message. */
  readonly maxMessageBytes: number
  /** How long a request may take to arrive, and an answer to be read, in milliseconds. */
  readonly callTimeoutMs: number
  /** Called at most once a second with the number of calls that were refused meanwhile. */
  readonly onRefused?: (calls: number) => void
}

/** Lets calls in before a byte of theirs is read, and ends those that hold memory without end. */
export interface Admission {
  /** What the calls of this process hold. */
  readonly account: ByteAccount
  /**
   * Admits the call on this stream: undefined where there is room, else a promise that waits for it, and gives false once the call was
   * refused or its caller has left.
   */
  admit(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<boolean> | undefined
  /** Stops looking for calls to end. */
  close(): void
}

/** The part of the process's bytes that one connection may hold. */
const CONNECTION_PART = 1 / 2
/** The largest messages that there is room for, whatever is configured. */
const MIN_MESSAGES = 32
/** How long calls wait for room, in milliseconds. */
const WAIT_MS = 10_000
/** Most that may wait for room. Of each call, HTTP/2 may hold 64 KiB that nobody has read. */
const MAX_WAITING = 1_024
/** Most of them of one connection, so that one or two leave room for others. */
const MAX_WAITING_OF_ONE = 128
const SWEEP_MS = 1_000

/** Creates the admission of a server. */
export function createAdmission({
  callBytes,
  maxMessageBytes,
  callTimeoutMs,
  onRefused,
}: AdmissionOptions): Admission {
  const limit = Math.max(callBytes, MIN_MESSAGES * maxMessageBytes)
  const account = new ByteAccount({
    limit,
    waitMs: Math.min(WAIT_MS, callTimeoutMs),
    maxWaiting: MAX_WAITING,
    maxWaitingOfOne: MAX_WAITING_OF_ONE,
    refusal: overloaded,
  })
  const connections = new WeakMap<Http2Session, SubAccount>()
  const open = new OpenCalls()

  const connectionOf = (session: Http2Session) => {
    const known = connections.get(session)
    if (known) return known
    const made = { limit: limit * CONNECTION_PART, held: 0, waiting: 0 }
    connections.set(session, made)
    return made
  }
  // `this` as a listener's: closures for each call would cost more than what they do.
  function onClose(this: ServerHttp2Stream) {
    const share = shareOn(this)
    if (share === undefined) return
    open.remove(share)
    share.end()
  }
  function onData(this: ServerHttp2Stream, chunk: Buffer) {
    const share = shareOn(this)
    if (share === undefined || share.isSmall(chunk)) return
    share.receiving ??= new Receiving(this, share, maxMessageBytes)
    share.receiving.arrived(chunk)
  }
  /** @param prepaid what was taken for its messages */
  const start = (stream: ServerHttp2Stream, of: SubAccount, prepaid: number) => {
    const share = new Share(stream, account, of, prepaid)
    setShare(stream, share)
    open.add(share)
    stream.on("close", onClose)
    stream.on("data", onData)
  }

  const later = (stream: ServerHttp2Stream, of: SubAccount, prepaid: number) => {
    if (stream.closed) account.give(CALL_BYTES + prepaid, of)
    else start(stream, of, prepaid)
    return !stream.closed
  }

  let refused = 0
  const sweep = () => {
    if (account.refused > refused) onRefused?.(account.refused - refused)
    refused = account.refused
    endLateCalls(open.shares, { full: account.waiting > 0, callTimeoutMs })
  }
  const timer = setInterval(sweep, SWEEP_MS).unref()

  return {
    account,
    admit: (stream, headers) => {
      const { session } = stream
      if (session === undefined || stream.closed) return GONE
      const of = connectionOf(session)
      const prepaid = isCompressed(headers) ? countedBytes(maxMessageBytes) : 0
      const bytes = CALL_BYTES + prepaid
      // Health stays answerable.
      if (prepaid === 0 && isHealth(headers)) account.add(bytes, of)
      else {
        const room = account.take(bytes, prepaid === 0 ? "call" : "work", of)
        if (room) return room.then(() => later(stream, of, prepaid), refusal(stream))
      }
      start(stream, of, prepaid)
      return undefined
    },
    close: () => clearInterval(timer),
  }
}

/** The shares of the calls that are open. A Set would cost each call a third of its time, in garbage. */
class OpenCalls {
  readonly shares: Share[] = []

  add(share: Share): void {
    share.place = this.shares.push(share) - 1
  }

  remove({ place }: Share): void {
    const last = this.shares.pop()
    if (last === undefined || last.place === place) return
    this.shares[place] = last
    last.place = place
  }
}

const GONE = Promise.resolve(false)

function refusal(stream: ServerHttp2Stream) {
  return (error: unknown) => {
    refuseCall(stream, error)
    return false
  }
}

function isHealth(headers: IncomingHttpHeaders) {
  return String(headers[":path"]).startsWith("/grpc.health.v1.")
}

function isCompressed({ "grpc-encoding": encoding }: IncomingHttpHeaders) {
  return encoding !== undefined && encoding !== "identity"
}

function overloaded() {
  return new RegistryError(ErrorReason.OVERLOADED, "the registry holds as many bytes of calls as it may")
}
