/** How new the answer of a read is to be; a bigint is a min_revision. */
export type Freshness = "plain" | "strong" | bigint

/** What a call tried. `hand` is a change made in psql, `watch` an event that came, at the moment when it came. */
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

/** What its caller was told. */
export type Told =
  /** A record: of a write the one that it led to, of a read the one that was found. */
  | { kind: "record"; revision: bigint; contentHash: string; active: boolean }
  /** A revocation was made or lifted, with its newest revision and the agents that it names. */
  | { kind: "revocation"; revision: bigint; agents: string[] }
  /** There is no chain to be seen. */
  | { kind: "nothing" }
  /** Refused for a reason of the contract; with REVISION_CONFLICT goes the revision that stands, 0 for none. */
  | { kind: "refused"; reason: string; stands?: bigint }
  /** No answer, or one that does not tell whether it happened. */
  | { kind: "unknown"; reason: string }

/** One call of a client with its answer. Times are milliseconds by the one monotonic clock of the recorder. */
export interface Call {
  readonly client: string
  /** Which server, and which of its lives answered; undefined where that is not known. */
  readonly server: number
  readonly life: number | undefined
  readonly operation: CallOperation
  readonly agentId: string
  /** Of writes. A call that is sent again has the same. */
  readonly requestId?: string
  readonly expectedRevision?: bigint
  /** Of the writes that are to be done all or none. */
  readonly batch?: string
  /** Of the document that a write carries. */
  readonly contentHash?: string
  /** Of reads. */
  readonly freshness?: Freshness
  readonly includeInactive?: boolean
  readonly invokedAt: number
  readonly endedAt: number
  readonly told: Told
}

/** A change as the database's history tells it: the truth of what happened, and in which order. */
export interface Version {
  readonly revision: bigint
  readonly agentId: string
  readonly operation: string
  readonly status: string
  readonly contentHash: string
  readonly requestId: string
}

/** A line for people. */
export function describeCall(call: Call): string {
  const told = JSON.stringify(call.told, (_, value) => (typeof value === "bigint" ? `r${value}` : value))
  const condition = call.expectedRevision === undefined ? "" : ` expecting r${call.expectedRevision}`
  const wanted =
    call.freshness === undefined
      ? ""
      : typeof call.freshness === "bigint"
        ? ` min r${call.freshness}`
        : ` ${call.freshness}`
  const times = `${call.invokedAt.toFixed(1)}-${call.endedAt.toFixed(1)}`
  return `${times} ${call.client} on ${call.server}.${call.life ?? "?"} ${call.operation}${wanted}${condition} ${call.agentId} ${call.requestId ?? ""}: ${told}`
}
