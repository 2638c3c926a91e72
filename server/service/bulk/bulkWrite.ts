import { setTimeout as sleep } from "node:timers/promises"
import { ErrorReason } from "@trust-registry/proto"
import { createSemaphore } from "../../async/semaphore.js"
import { RegistryError } from "../../errors.js"

/** Makes one write of a bulk call, and retries it while the write queue is full. */
export type BulkWrite = <Answer>(write: () => Promise<Answer>, signal: AbortSignal) => Promise<Answer>

/**
 * Creates the function through which all bulk calls write, many at once.
 *
 * @param maxWaiting most writes that may wait for the database; bulk calls take at most half, and leave the rest to single writes
 */
export function createBulkWrite(maxWaiting: number): BulkWrite {
  const semaphore = createSemaphore(Math.max(1, maxWaiting >> 1))
  return (write, signal) => semaphore(() => whenThereIsRoom(write, signal))
}

/** Single writes may have filled the queue. The bulk call then waits, and sends nothing in the meantime. */
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

/** Whether an error ends a bulk call, because every other item would fail the same way. */
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
 * The error for a valid item of an atomic batch that was not written because another item was refused.
 *
 * @param refused path of the refused item, for example `requests[3]`
 */
export function batchRefused(done: "stored" | "deleted", refused: string, agentId?: string): RegistryError {
  return new RegistryError(
    ErrorReason.BATCH_REFUSED,
    `not ${done}, because ${refused} of the same batch was refused`,
    agentId === undefined ? {} : { agentId },
  )
}
