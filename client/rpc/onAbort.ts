const hearers = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls the function once when the signal is aborted, and not if it is already. All calls on a signal share one listener: Node
 * warns of a leak from the eleventh on.
 *
 * @returns what to call when the function is no longer to be called
 */
export function onAbort(signal: AbortSignal, hear: () => void): () => void {
  let own = hearers.get(signal)
  if (!own) {
    const all = new Set<() => void>()
    const tell = () => {
      for (const one of all) one()
      all.clear()
    }
    own = all
    hearers.set(signal, own)
    signal.addEventListener("abort", tell, { once: true })
  }
  own.add(hear)
  return () => void own.delete(hear)
}
