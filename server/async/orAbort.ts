/**
 * The answer, or a rejection with the signal's reason if that aborts first. An answer that fails afterwards does not cause an unhandled
 * rejection.
 */
export function orAbort<Answer>(answer: Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener("abort", abort, { once: true })
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort))
    if (signal.aborted) abort()
  })
}
