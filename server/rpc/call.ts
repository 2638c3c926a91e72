import type { DescMethod } from "@bufbuild/protobuf"
import { ErrorReason, type ServerCall, type Status } from "@trust-registry/proto"
import { RegistryError } from "../errors.js"
import { actorOf } from "./actor.js"
import type { RpcContext } from "./context.js"

/** What the server says about all calls. */
export interface CallBounds {
  /** The longest that a unary call may take, in milliseconds. */
  readonly callTimeoutMs: number
  /** Aborts when the server begins to stop. */
  readonly draining: AbortSignal
  /** What one item of a call failed with, logged where the server is at fault. */
  readonly itemError: (call: RpcContext, thrown: unknown, prefix?: string) => Status
}

/**
 * One call in progress. A class for its getters: an answer from memory takes tens of microseconds, and a peer's address, a
 * certificate's subject and a second signal cost microseconds each that only writes, slow reads and the log need to pay.
 */
export class Call implements RpcContext {
  readonly method: DescMethod
  readonly startedAt = performance.now()
  readonly draining: AbortSignal
  agentId?: string
  authorityId?: string
  counts?: Readonly<Record<string, number>>
  readonly #bounds: CallBounds
  readonly #call: ServerCall
  readonly #caller: () => AbortSignal
  readonly #timeoutMs: number
  #ending: AbortController | undefined

  constructor(method: DescMethod, call: ServerCall, caller: () => AbortSignal, bounds: CallBounds) {
    this.method = method
    this.draining = bounds.draining
    this.#bounds = bounds
    this.#call = call
    this.#caller = caller
    this.#timeoutMs = method.methodKind === "unary" ? bounds.callTimeoutMs : Number.POSITIVE_INFINITY
  }

  get peer(): string {
    return this.#call.getPeer()
  }

  get actor(): string {
    return actorOf(this.#call)
  }

  get deadline(): number {
    return Math.min(Number(this.#call.getDeadline()), this.#openedAt() + this.#timeoutMs)
  }

  get signal(): AbortSignal {
    return this.#controller().signal
  }

  itemError(thrown: unknown, prefix?: string): Status {
    return this.#bounds.itemError(this, thrown, prefix)
  }

  /** Ends the work on the call; `signal.reason` is what the call fails with. */
  end(reason: RegistryError): void {
    this.#controller().abort(reason)
  }

  #controller() {
    if (this.#ending) return this.#ending
    const ending = new AbortController()
    this.#ending = ending
    const end = () => ending.abort(this.#abandonment())
    const caller = this.#caller()
    if (caller.aborted) end()
    else caller.addEventListener("abort", end, { once: true })
    return ending
  }

  #abandonment() {
    return Date.now() < Number(this.#call.getDeadline())
      ? new RegistryError(ErrorReason.CANCELLED, "the caller took the call back")
      : new RegistryError(ErrorReason.DEADLINE_EXCEEDED, "the deadline of the call has passed")
  }

  #openedAt() {
    return performance.timeOrigin + this.startedAt
  }
}
