import { startTimer } from "./timer.js"

/** What happens when an answer does not come in time. */
export interface Deadline<Late> {
  /** How long to wait, in milliseconds. */
  readonly ms: number
  /** Called once at the deadline; gives or throws what the caller gets in place of the answer. */
  late(): Late
  /** Asked at each deadline before `late`: true waits for another `ms`. By default false. */
  extend?(): boolean
}

/**
 * The answer, or what `late` gives if the answer does not come in time. The timer is cleared either way, and an answer that fails
 * after the deadline is no unhandled rejection.
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
