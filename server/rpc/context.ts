import type { DescMethod } from "@bufbuild/protobuf"
import type { Status } from "@trust-registry/proto"

/** What a handler knows of the call it answers. */
export interface RpcContext {
  /** The RPC, from the contract's descriptors. */
  readonly method: DescMethod
  /** Aborts when the caller cancels the call or disconnects, or when the deadline passes. */
  readonly signal: AbortSignal
  /** Aborts when the server begins to stop: streams end themselves then, unary calls get time to finish. */
  readonly draining: AbortSignal
  /** When the call must have ended, by `performance.now()`; Infinity for a stream whose caller set no deadline. */
  readonly deadline: number
  /** Where the call comes from, as `address:port`. */
  readonly peer: string
  /** Who calls: `cert:` and the subject of the TLS client certificate, else `peer:` and the address without the port. */
  readonly actor: string
  /** When the call arrived, by `performance.now()`. */
  readonly startedAt: number
  /** The largest item of a response that the caller takes, in bytes; what is larger is reported as such. */
  readonly maxItemBytes: number
  /** The agent that the request is about, for the log; set by the middleware before the handler runs. */
  agentId?: string
  /** The authority that the request is about, likewise. */
  authorityId?: string
  /** How many items of a bulk call had which outcome so far, for the log; set by the handler. */
  counts?: Readonly<Record<string, number>>
  /**
   * Counts what the work on the call holds in memory from now on, in bytes: undefined where there is room, else a promise that waits
   * for it and rejects with OVERLOADED where none comes. The request is counted already, and the answer will be in its place.
   */
  hold(bytes: number): Promise<void> | undefined
  /**
   * The status of one failed item of a bulk call, with the details that a call would have failed with; `prefix` goes before
   * the paths of its fields. Logs it where the server is at fault, as the failure of a whole call is logged.
   */
  itemError(thrown: unknown, prefix?: string): Status
}
