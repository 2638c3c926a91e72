import type { DescMethod } from "@bufbuild/protobuf"
import type { Status } from "@trust-registry/proto"

/** What a handler is told of the call it answers. */
export interface RpcContext {
  /** The RPC, from the contract's descriptors. */
  readonly method: DescMethod
  /** Aborts when the caller takes the call back, goes away, or its deadline passes. */
  readonly signal: AbortSignal
  /** Aborts when the server begins to stop: streams end themselves then, unary calls are given time to finish. */
  readonly draining: AbortSignal
  /** When the call must have ended, in milliseconds since 1970; Infinity for a stream whose caller set no deadline. */
  readonly deadline: number
  /** Where the call comes from, as `address:port`. */
  readonly peer: string
  /** Who calls: `cert:` and the subject of the TLS client certificate, else `peer:` and the address without the port. */
  readonly actor: string
  /** When the call came in, by `performance.now()`. */
  readonly startedAt: number
  /** The agent that the request names, for the log; set by the edge before the handler runs. */
  agentId?: string
  /** The authority that the request names or holds, likewise. */
  authorityId?: string
  /** How many items of which outcome a call of many had so far, for the log; set by the handler. */
  counts?: Readonly<Record<string, number>>
  /**
   * The status of one failed item of many, with the details that a call would have failed with; `prefix` goes before the
   * paths of its fields. Logged like a failed call where the server is at fault.
   */
  itemError(thrown: unknown, prefix?: string): Status
}
