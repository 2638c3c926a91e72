import { setTimeout as delay } from "node:timers/promises"
import type { Log } from "./log.js"
import type { Session } from "./session.js"

/** Keeps a session with the database across its crashes. */
export interface Supervisor {
  /** Stops supervising; resolves to the session that holds the folder's lock at that moment, if any. */
  stop(): Promise<Session | undefined>
}

/**
 * Watches the session: when it ends, the database died (or the session was terminated), and `reach` is retried with back-off until
 * there is a new one. `reach` starts the database if needed and takes the folder's lock.
 */
export function supervise(
  first: Session,
  reach: (signal: AbortSignal) => Promise<Session>,
  log: Log,
): Supervisor {
  const stopping = new AbortController()
  let session: Session | undefined = first

  const watch = async () => {
    let waitMs = FIRST_WAIT_MS
    while (session) {
      const since = performance.now()
      await session.closed
      if (stopping.signal.aborted) return
      await session.end().catch(() => undefined)
      session = undefined
      log("warn", "the embedded PostgreSQL is gone; starting it again")
      // Backs off from a database that keeps dying right away.
      waitMs = performance.now() - since > STEADY_MS ? FIRST_WAIT_MS : nextWait(waitMs)
      session = await reachAgain(reach, waitMs, stopping.signal, log)
      if (stopping.signal.aborted) return
    }
  }

  const watching = watch()
  return {
    async stop() {
      stopping.abort()
      if (!session) await watching
      return session
    },
  }
}

const FIRST_WAIT_MS = 50
const LONGEST_WAIT_MS = 5_000
const STEADY_MS = 10_000

function nextWait(ms: number) {
  return Math.min(ms * 2, LONGEST_WAIT_MS)
}

async function reachAgain(
  reach: (signal: AbortSignal) => Promise<Session>,
  firstWaitMs: number,
  signal: AbortSignal,
  log: Log,
) {
  const since = performance.now()
  for (let waitMs = firstWaitMs; !signal.aborted; waitMs = nextWait(waitMs)) {
    try {
      await delay(waitMs, undefined, { signal })
      const session = await reach(signal)
      log("info", "the embedded PostgreSQL is back", { afterMs: Math.round(performance.now() - since) })
      return session
    } catch (error) {
      if (!signal.aborted) log("error", "the embedded PostgreSQL is not back yet", { error })
    }
  }
  return undefined
}
