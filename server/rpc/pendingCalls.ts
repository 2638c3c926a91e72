import { ErrorReason } from "@trust-registry/proto"
import { MAX_TIMER_MS } from "../async/timer.js"
import { RegistryError } from "../errors.js"
import type { Call } from "./call.js"

/** The calls whose answers are promises that have not settled yet. */
export class PendingCalls {
  readonly #failures = new Map<Call, (error: RegistryError) => void>()

  /**
   * The answer, or a rejection when the call's deadline passes or {@link failAll} is called before. The work is told to stop
   * then, by the call's signal, and nobody waits for it.
   */
  bound<Answer>(answer: Promise<Answer>, call: Call): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const fail = (error: RegistryError) => {
        call.abort(error)
        reject(error)
      }
      const left = Math.min(MAX_TIMER_MS, call.deadline - performance.now())
      const timer = setTimeout(() => fail(overdue()), left)
      this.#failures.set(call, fail)
      const settle = () => {
        clearTimeout(timer)
        this.#failures.delete(call)
      }
      answer.then(resolve, reject).finally(settle)
      // The answer may come before a timer that is due at once.
      if (left <= 0) fail(overdue())
    })
  }

  /** Fails every pending call with this error. */
  failAll(error: RegistryError): void {
    for (const fail of this.#failures.values()) fail(error)
  }
}

function overdue() {
  return new RegistryError(ErrorReason.DEADLINE_EXCEEDED, "the call took longer than it may")
}
