/** The longest delay of a timer in Node.js, in milliseconds; a longer one fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Calls `onDue` after `ms` milliseconds by `performance.now()`, unless the returned function is called first. `ms` may be any
 * number, even Infinity. The call comes one turn of the event loop late, so that after this process itself was delayed, answers
 * that arrived in time are read first.
 */
export function startTimer(ms: number, onDue: () => void): () => void {
  const dueAt = performance.now() + ms
  let timer: NodeJS.Timeout
  let turn: NodeJS.Immediate | undefined
  const arm = () => {
    timer = setTimeout(check, Math.min(Math.max(dueAt - performance.now(), 0), MAX_TIMER_MS))
  }
  const check = () => {
    // Long delays are split, and Node's timers may fire up to a millisecond early.
    if (performance.now() < dueAt) arm()
    else turn = setImmediate(onDue)
  }
  arm()
  return () => {
    clearTimeout(timer)
    if (turn) clearImmediate(turn)
  }
}
