import {
  type ChainEvent,
  ChainOperationSchema,
  type ChainRecord,
  type TrustLineageChain,
} from "@trust-registry/proto"

/** A watch event of any kind, flattened into one object. */
export interface SeenEvent {
  readonly kind: "changed" | "current" | "left"
  /** The operation in uppercase, such as `CREATED`; `CURRENT` or `LEFT` for those kinds. */
  readonly word: string
  /** The operation in lowercase; undefined for `current`. */
  readonly operation: string | undefined
  readonly record: ChainRecord | undefined
  readonly chain: TrustLineageChain | undefined
  readonly unreadable: boolean
  readonly requestId: string | undefined
}

/** Flattens an event; throws if its kind or record is missing. */
export function seen({ kind }: ChainEvent): SeenEvent {
  if (kind.case === undefined) throw new Error("an event without a kind")
  const change = kind.case === "current" ? undefined : kind.value
  const stored = kind.case === "current" ? kind.value : kind.value.stored
  if (stored?.record === undefined) throw new Error(`an event without a record: ${kind.case}`)
  const operation = change && ChainOperationSchema.value[change.operation]?.localName
  return {
    kind: kind.case,
    word: kind.case === "changed" ? (operation ?? "") : kind.case.toUpperCase(),
    operation: operation?.toLowerCase(),
    record: stored.record,
    chain: stored.chain,
    unreadable: stored.unreadable,
    requestId: change?.requestId,
  }
}
