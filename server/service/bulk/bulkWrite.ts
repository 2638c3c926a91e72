import { setTimeout as sleep } from "node:timers/promises"
import { ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import { createSlots } from "./slots.js"

/** Makes one write of a bulk call, and makes it again while the queue of writes is full. */
export type BulkWrite = <Answer>(write: () => Promise<Answer>, signal: AbortSignal) => Promise<Answer>

/**
 * The way in which all bulk calls write, many at once.
 *
 * @param maxWaiting most writes that may wait for the database; bulk calls take half of them and leave the rest to single ones
 */
export function createBulkWrite(maxWaiting: number): BulkWrite {
  const slots = createSlots(Math.max(1, maxWaiting >> 1))
  return (write, signal) => slots(() => whenThereIsRoom(write, signal))
}

/** Single writes of others may have taken all the room. A bulk call waits then, and sends nothing more meanwhile. */
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

/** Whether an error ends a bulk call, since no other item would fare better. */
export function endsAll(error: unknown): boolean {
  return error instanceof RegistryError && ENDING.has(error.reason)
}

const ENDING = new Set<ErrorReason>([
  ErrorReason.DATABASE_UNAVAILABLE,
  ErrorReason.CANCELLED,
  ErrorReason.DEADLINE_EXCEEDED,
  ErrorReason.SHUTTING_DOWN,
])

/**
 * Why an item of an atomic batch was not written although nothing is known to be wrong with it.
 *
 * @param refused path of an item that was refused, for example `requests[3]`
 */
export function batchRefused(done: "stored" | "deleted", refused: string, agentId?: string): RegistryError {
  return new RegistryError(
    ErrorReason.BATCH_REFUSED,
    `not ${done}, since ${refused} of the same batch was refused`,
    agentId === undefined ? {} : { agentId },
  )
}
