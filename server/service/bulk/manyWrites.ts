import { setTimeout as sleep } from "node:timers/promises"
import type { MessageInitShape } from "@bufbuild/protobuf"
import type { Timestamp } from "@bufbuild/protobuf/wkt"
import {
  ErrorReason,
  type ItemError,
  type StoreChainResponseSchema,
  type TrustLineageChain,
} from "@trust-registry/proto"
import { createSemaphore } from "../../async/semaphore.js"
import { RegistryError } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { ChainWrites, Written } from "../chains/chainWrites.js"
import { createLineageOrder } from "../chains/lineageOrder.js"
import { assureExpectedRevision, assureRequestId } from "../request/fields.js"
import type { Begun } from "./inOrder.js"

/** The fields of StoreChainRequest. */
export interface ChainToStore {
  chain?: TrustLineageChain | undefined
  expiresAt?: Timestamp | undefined
  expectedRevision?: bigint | undefined
  requestId: string
  chainHash: string
}

/** What came of one of many, as the oneof `result` of the contract. */
export type StoreResult =
  | { case: "stored"; value: MessageInitShape<typeof StoreChainResponseSchema> }
  | { case: "error"; value: ItemError }

/** Begins to store the next of many; `prefix` goes before the paths of fields that are wrong. */
export type StoreNext = (request: ChainToStore, prefix?: string) => Begun<StoreResult>

/**
 * Stores of many chains within one call: `open(context)` gives the function that stores the next one, side by side where
 * nothing speaks against it. An item that is refused is a result; that the database is away, or the caller, rejects.
 *
 * @param maxWaiting most writes that may wait for the database; half of that is left for single ones
 */
export function createManyWrites(
  writes: ChainWrites,
  maxWaiting: number,
): (context: RpcContext) => StoreNext {
  const semaphore = createSemaphore(Math.max(1, maxWaiting >> 1))
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
    return (request, prefix) => {
      try {
        const { write, bytes } = prepare(writes, request, context.actor)
        const work = () => semaphore(() => whenThereIsRoom(write, context.signal))
        const answer = afterDelegators(request.chain, work).then(stored, (error) => refused(error, prefix))
        return { answer, bytes }
      } catch (error) {
        return { answer: Promise.resolve(refused(error, prefix)), bytes: 0 }
      }
    }
  }
}

function prepare(writes: ChainWrites, request: ChainToStore, actor: string) {
  assureExpectedRevision(request.expectedRevision, 0n)
  assureRequestId(request.requestId)
  return writes.prepareDocument("store", request, actor)
}

/** What goes before the paths of the fields of a batch's item. */
export function prefixOf(place: number): string {
  return `requests[${place}].`
}

/** Whether no other item would fare better. */
export function endsAll(error: unknown): boolean {
  return error instanceof RegistryError && ENDING.has(error.reason)
}

const ENDING = new Set<ErrorReason>([
  ErrorReason.DATABASE_UNAVAILABLE,
  ErrorReason.CANCELLED,
  ErrorReason.DEADLINE_EXCEEDED,
  ErrorReason.SHUTTING_DOWN,
])

/** Single writes of others may have taken all the room; whoever sends many waits, and sends no more meanwhile. */
async function whenThereIsRoom<Answer>(write: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  for (;;) {
    try {
      return await write()
    } catch (error) {
      if (!(error instanceof RegistryError) || error.reason !== ErrorReason.OVERLOADED) throw error
      await sleep(error.failure.retryAfterMs ?? RETRY_AFTER_MS, undefined, { signal }).catch(() => {
        throw signal.reason
      })
    }
  }
}

const RETRY_AFTER_MS = 100
