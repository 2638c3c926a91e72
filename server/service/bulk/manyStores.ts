import type { MessageInitShape } from "@bufbuild/protobuf"
import type { Timestamp } from "@bufbuild/protobuf/wkt"
import type { Status, StoreChainResponseSchema, TrustLineageChain } from "@trust-registry/proto"
import type { RpcContext } from "../../rpc/context.js"
import type { ChainWrites, ImportedAs, Written } from "../chains/chainWrites.js"
import { createLineageOrder } from "../chains/lineageOrder.js"
import { assureExpectedRevision, assureRequestId } from "../request/fields.js"
import { type BulkWrite, endsAll } from "./bulkWrite.js"
import type { Begun } from "./inOrder.js"

/** The fields of StoreChainRequest. */
export interface ChainToStore {
  chain?: TrustLineageChain | undefined
  expiresAt?: Timestamp | undefined
  expectedRevision?: bigint | undefined
  requestId: string
  chainHash: string
  allowUnverified: boolean
  allowNewAuthority: boolean
}

/** The result for one of many, as the oneof `result` of the contract. */
export type StoreResult =
  | { case: "stored"; value: MessageInitShape<typeof StoreChainResponseSchema> }
  | { case: "error"; value: Status }

/** Starts storing the next of many; `prefix` is prepended to the paths of invalid fields. */
export type StoreNext = (request: ChainToStore, prefix?: string, as?: ImportedAs) => Begun<StoreResult>

/**
 * Stores many chains within one call. `open(context)` returns the function that stores the next one, concurrently with earlier ones
 * unless it depends on them. A refused item is a result; it rejects if the database is unavailable or the caller is gone.
 */
export function createManyStores(
  writes: ChainWrites,
  bulkWrite: BulkWrite,
): (context: RpcContext) => StoreNext {
  return (context) => {
    const afterDelegators = createLineageOrder()
    const counts = { created: 0, updated: 0, refused: 0 }
    context.counts = counts
    const refused = (error: unknown, prefix?: string): StoreResult => {
      if (endsAll(error)) throw error
      counts.refused++
      return { case: "error", value: context.itemError(error, prefix) }
    }
    const stored = ({ record, operation }: Written): StoreResult => {
      const created = operation === "created"
      counts[created ? "created" : "updated"]++
      return { case: "stored", value: { record, created } }
    }
    return (request, prefix, as) => {
      try {
        const { write, bytes } = prepare(writes, request, context, as)
        const work = () => bulkWrite(write, context.signal)
        const answer = afterDelegators(request.chain, work).then(stored, (error) => refused(error, prefix))
        return { answer, bytes }
      } catch (error) {
        return { answer: Promise.resolve(refused(error, prefix)), bytes: 0 }
      }
    }
  }
}

function prepare(writes: ChainWrites, request: ChainToStore, context: RpcContext, as?: ImportedAs) {
  assureExpectedRevision(request.expectedRevision, 0n)
  assureRequestId(request.requestId)
  return writes.prepareDocument("store", request, context, as)
}

/** The prefix of the field paths of an item in a batch. */
export function prefixOf(place: number): string {
  return `requests[${place}].`
}
