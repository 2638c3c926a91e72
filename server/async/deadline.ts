import { startTimer } from "./timer.js"

/** How long to wait for an answer, and what to do when it is late. */
export interface Deadline<Late> {
  /** How long to wait, in milliseconds. */
  readonly ms: number
  /** Called once at the deadline; returns or throws in place of the answer. */
  late(): Late
  /** Called at each deadline before `late`; true waits for another `ms`. (Default: false) */
  extend?(): boolean
}

/**
 * The answer, or the result of `late` if the answer does not arrive in time. Clears the timer either way. An answer that fails
 * after the deadline does not cause an unhandled rejection.
 */
export function within<Answer, Late = never>(
  answer: Promise<Answer>,
  { ms, late, extend = () => false }: Deadline<Late>,
): Promise<Answer | Late> {
  return new Promise((resolve, reject) => {
    let cancel: () => void
    const check = () => {
      try {
        if (extend()) start()
        else resolve(late())
      } catch (error) {
        reject(error)
      }
    }
    const start = () => {
      cancel = startTimer(ms, check)
    }
    start()
    answer.then(resolve, reject).finally(() => cancel())
  })
}
