import {
  type ChainEvent,
  ChainOperationSchema,
  type ChainRecord,
  type TrustLineageChain,
} from "@trust-registry/proto"

/** An event of a watch, whatever its kind, as one flat object. */
export interface SeenEvent {
  readonly kind: "changed" | "current" | "left"
  /** `CREATED` and so on; `CURRENT` and `LEFT` for those kinds. */
  readonly word: string
  /** What the change was, by its name in lowercase; undefined for `current`. */
  readonly operation: string | undefined
  readonly record: ChainRecord | undefined
  readonly chain: TrustLineageChain | undefined
  readonly unreadable: boolean
  readonly requestId: string | undefined
}

/** Reads an event of any kind; throws if its kind or its record is missing. */
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
