import { documentFromChain, wordOf } from "@trust-registry/eatp"
import {
  type ChainEvent,
  ChainOperationSchema,
  type ChainRevision,
  type StoredChain,
} from "@trust-registry/proto"
import { recordJson } from "./records.js"

/** Returns a change in the history of a chain as JSON. */
export function revisionJson(revision: ChainRevision): string {
  return storedJson(changeOf(revision), revision.stored)
}

/** Returns a watch event as JSON: its kind and, for a change, what a change in history has. */
export function eventJson({ kind }: ChainEvent): string {
  if (kind.case === "current") return storedJson({ kind: kind.case }, kind.value)
  return storedJson({ kind: kind.case, ...(kind.value ? changeOf(kind.value) : {}) }, kind.value?.stored)
}

/** Returns one word for a watch event: the operation of a change, `current`, or `left` (the filter). */
export function eventWord({ kind }: ChainEvent): string {
  return kind.case === "changed" ? operationWord(kind.value) : (kind.case ?? "unknown")
}

/** Returns one word for what a change did. */
export function operationWord({ operation }: ChainRevision): string {
  return wordOf(ChainOperationSchema, operation) ?? "unknown"
}

function changeOf(revision: ChainRevision) {
  return { operation: operationWord(revision), request_id: revision.requestId }
}

/** The document is inserted as text: parsing it would change its numbers. */
function storedJson(change: object, stored: StoredChain | undefined): string {
  const { chain, record, unreadable } = stored ?? {}
  const members = { ...change, record: recordJson(record), ...(unreadable ? { unreadable } : {}) }
  return chain
    ? `{"chain":${documentFromChain(chain)},${JSON.stringify(members).slice(1)}`
    : JSON.stringify(members)
}
