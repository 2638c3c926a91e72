import { setTimeout as sleep } from "node:timers/promises"
import type { Run } from "../database/database.js"
import type { OnEvent } from "../database/monitor.js"
import type { Sql } from "../database/sql.js"

/** Most revisions that a step looks at: it takes milliseconds, and writers share the disk with it. */
const STEP_REVISIONS = 500
/** Between two steps while there is more to do. */
const BETWEEN_STEPS_MS = 50
/** Between two looks whether something has become too old: a tenth of the retention, within these bounds. */
const LEAST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 60_000

/**
 * Starts to remove from the history what was replaced longer than `retentionMs` ago. Every server tries, one at a time does.
 * Gives the function that ends it.
 */
export function startCompaction(run: Run, retentionMs: number, onEvent: OnEvent): () => Promise<void> {
  const closed = new AbortController()
  const pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(LEAST_PAUSE_MS, retentionMs / 10))
  const pause = (ms: number) => sleep(ms, undefined, { signal: closed.signal }).catch(() => undefined)

  const pass = async () => {
    let removed = 0n
    for (;;) {
      const step = await run((sql) => compact(sql, retentionMs))
      removed += step?.removed ?? 0n
      if (step?.moved && !closed.signal.aborted) await pause(BETWEEN_STEPS_MS)
      else return removed > 0n ? { removed, oldest: step?.oldest } : undefined
    }
  }

  const work = async () => {
    while (!closed.signal.aborted) {
      try {
        const done = await pass()
        if (done)
          onEvent("info", `history: ${done.removed} revisions removed; it reaches back to ${done.oldest}`)
      } catch (error) {
        if (!closed.signal.aborted) onEvent("error", `history: not compacted: ${(error as Error).message}`)
      }
      await pause(pauseMs)
    }
  }
  const working = work()

  return async () => {
    closed.abort()
    await working
  }
}

interface Step {
  moved: boolean
  removed: bigint
  oldest: bigint
}

async function compact(sql: Sql, retentionMs: number): Promise<Step | undefined> {
  const rows = await sql<Step[]>`
    select * from trust_history_compact(make_interval(secs => ${retentionMs / 1000}), ${STEP_REVISIONS})`
  return rows[0]
}
