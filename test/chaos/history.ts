/** The consistency of a read; a bigint is a min_revision. */
export type Freshness = "plain" | "strong" | bigint

/** The operation of a call. `hand` is a change by hand, `watch` the arrival of an event. */
export type CallOperation =
  | "store"
  | "update"
  | "delete"
  | "purge"
  | "restore"
  | "revoke"
  | "suspend"
  | "lift"
  | "hand"
  | "read"
  | "watch"

/** The outcome that the caller saw. */
export type Outcome =
  /** A record: the one written, or the one read. */
  | { kind: "record"; revision: bigint; contentHash: string; active: boolean }
  /** A revocation was made or lifted, with its newest revision and the agents reported. */
  | { kind: "revocation"; revision: bigint; agents: string[] }
  /** No chain was found. */
  | { kind: "nothing" }
  /** Refused with a reason of the contract; REVISION_CONFLICT comes with the current revision, 0 for none. */
  | { kind: "refused"; reason: string; current?: bigint }
  /** No response, or one that leaves open whether the change happened. */
  | { kind: "unknown"; reason: string }

/** A client's call with its outcome. Times are milliseconds of one monotonic clock. */
export interface Call {
  readonly client: string
  /** The server, and which of its processes responded; undefined if unknown. */
  readonly server: number
  readonly life: number | undefined
  readonly operation: CallOperation
  readonly agentId: string
  /** Only of writes. Retries share it. */
  readonly requestId?: string
  readonly expectedRevision?: bigint
  /** Shared by the writes of an atomic batch. */
  readonly batch?: string
  /** The hash of the document in a write. */
  readonly contentHash?: string
  /** Only of reads. */
  readonly freshness?: Freshness
  readonly includeInactive?: boolean
  readonly invokedAt: number
  readonly endedAt: number
  readonly outcome: Outcome
}

/** A change in the database's history, which is what really happened. */
export interface Version {
  readonly revision: bigint
  readonly agentId: string
  readonly operation: string
  readonly status: string
  readonly contentHash: string
  readonly requestId: string
}

/** Formats a call for messages. */
export function describeCall(call: Call): string {
  const outcome = JSON.stringify(call.outcome, (_, value) =>
    typeof value === "bigint" ? `r${value}` : value,
  )
  const condition = call.expectedRevision === undefined ? "" : ` expecting r${call.expectedRevision}`
  const wanted =
    call.freshness === undefined
      ? ""
      : typeof call.freshness === "bigint"
        ? ` min r${call.freshness}`
        : ` ${call.freshness}`
  const times = `${call.invokedAt.toFixed(1)}-${call.endedAt.toFixed(1)}`
  return `${times} ${call.client} on ${call.server}.${call.life ?? "?"} ${call.operation}${wanted}${condition} ${call.agentId} ${call.requestId ?? ""}: ${outcome}`
}
