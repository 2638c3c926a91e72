import type { DescMethod } from "@bufbuild/protobuf"
import { parseWholeNumber } from "@trust-registry/eatp"
import { ErrorReason, type Status } from "@trust-registry/proto"
import { RegistryError } from "../errors.js"
import type { Log } from "../log.js"
import { actorOf } from "./actor.js"
import { logItemError } from "./callLog.js"
import type { RpcContext } from "./context.js"
import { deadlineOf } from "./deadlines.js"
import type { ServerCall } from "./handlers.js"
import { itemErrorOf } from "./itemError.js"
import { type Share, shareOf } from "./share.js"
import { registryErrorOf } from "./status.js"

/** What is the same for all calls of a server. */
export interface CallBounds {
  readonly log: Log
  /** The longest that a unary call may take, in milliseconds. */
  readonly callTimeoutMs: number
  /** Aborts when the server begins to stop. */
  readonly draining: AbortSignal
}

/** What gRPC clients take in a message, unless they are set otherwise. */
const DEFAULT_RESPONSE_BYTES = 4 * 1024 * 1024
const LEAST_RESPONSE_BYTES = 65_536n
/** For what is beside an item in a response. */
const ENVELOPE_BYTES = 16_384

/**
 * One call in progress. A class for its getters: an answer from memory takes tens of microseconds, and a peer's address, a
 * certificate's subject and an abort signal cost microseconds each that only writes, slow reads and the log need to pay.
 */
export class Call implements RpcContext {
  readonly method: DescMethod
  readonly startedAt = performance.now()
  agentId?: string
  authorityId?: string
  counts?: Readonly<Record<string, number>>
  /** What the call holds of the server's memory; undefined where that is not counted. */
  readonly share: Share | undefined
  readonly #raw: ServerCall
  readonly #bounds: CallBounds
  #abort: AbortController | undefined
  /** Whether the caller was gone when the call ended; undefined before. */
  #endedCancelled: boolean | undefined

  constructor(method: DescMethod, raw: ServerCall, bounds: CallBounds) {
    this.method = method
    this.#raw = raw
    this.#bounds = bounds
    this.share = shareOf(raw)
    if (this.share) this.share.handled = true
  }

  get draining(): AbortSignal {
    return this.#bounds.draining
  }

  get peer(): string {
    return this.#raw.getPeer()
  }

  get actor(): string {
    return actorOf(this.#raw)
  }

  get maxItemBytes(): number {
    const [text] = this.#raw.metadata.get("trust-registry-max-response-bytes")
    const most = BigInt(Number.MAX_SAFE_INTEGER)
    const told = parseWholeNumber(String(text), LEAST_RESPONSE_BYTES, most)
    return Number(told ?? DEFAULT_RESPONSE_BYTES) - ENVELOPE_BYTES
  }

  get deadline(): number {
    const { callTimeoutMs } = this.#bounds
    const timeoutMs = this.method.methodKind === "unary" ? callTimeoutMs : Number.POSITIVE_INFINITY
    return Math.min(this.#callerDeadline(), this.startedAt + timeoutMs)
  }

  get signal(): AbortSignal {
    return this.#controller().signal
  }

  hold(bytes: number): Promise<void> | undefined {
    return this.share?.hold("work", bytes)
  }

  itemError(thrown: unknown, prefix?: string): Status {
    const error = registryErrorOf(thrown)
    logItemError(this.#bounds.log, this, error)
    return itemErrorOf(error, prefix)
  }

  /** Aborts the signal, so that the work on the call stops; the call fails with this reason. */
  abort(reason: RegistryError): void {
    this.#controller().abort(reason)
  }

  /** Marks the end of the call. grpc-js emits "cancelled" after every call, which then aborts nothing any more. */
  finish(): void {
    this.#endedCancelled = this.#raw.cancelled
  }

  /** Made when it is asked for: most calls never do, and making, observing and aborting one take microseconds. */
  #controller() {
    if (this.#abort) return this.#abort
    const controller = new AbortController()
    this.#abort = controller
    const abort = () => controller.abort(this.#abandonment())
    if (this.#endedCancelled ?? this.#raw.cancelled) abort()
    else if (this.#endedCancelled === undefined)
      this.#raw.on("cancelled", () => this.#endedCancelled === undefined && abort())
    return controller
  }

  #abandonment() {
    // A timer may fire a millisecond early.
    return performance.now() + 1 < this.#callerDeadline()
      ? new RegistryError(ErrorReason.CANCELLED, "the caller cancelled the call")
      : new RegistryError(ErrorReason.DEADLINE_EXCEEDED, "the deadline of the call has passed")
  }

  #callerDeadline() {
    return deadlineOf(this.#raw.metadata)
  }
}
