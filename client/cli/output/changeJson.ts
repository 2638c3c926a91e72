import { documentFromChain, wordOf } from "@trust-registry/eatp"
import { type ChainEvent, type ChainRevision, OperationSchema } from "@trust-registry/proto"
import { recordJson } from "./records.js"

/** A change as JSON, its chain as an EATP document: put in as the text that it is, since parsing would change its numbers. */
export function changeJson({
  operation,
  record,
  requestId,
  chain,
  unreadable,
}: ChainRevision | ChainEvent): string {
  const told = {
    operation: wordOf(OperationSchema, operation),
    record: recordJson(record),
    request_id: requestId,
    ...(unreadable ? { unreadable } : {}),
  }
  return chain
    ? `{"chain":${documentFromChain(chain)},${JSON.stringify(told).slice(1)}`
    : JSON.stringify(told)
}
