import { setTimeout as sleep } from "node:timers/promises"
import type { Run } from "../database/database.js"
import type { OnEvent } from "../database/monitor.js"
import type { Sql } from "../database/sql.js"

/** Most revisions of one step: a step takes milliseconds, because writers share the disk with it. */
const STEP_REVISIONS = 500
/** Pause between two steps while there is more to do. */
const BETWEEN_STEPS_MS = 50
/** Pause between two passes: a tenth of the retention, within these bounds. */
const LEAST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 60_000

/** Removes old revisions until it is stopped. */
export interface Compaction {
  /** Resolves when the step under way has ended. */
  stop(): Promise<void>
}

/**
 * Starts to remove revisions that were replaced more than `retentionMs` ago; 0 removes none. Every server tries, and the
 * database lets one at a time do it.
 */
export function startCompaction(run: Run, retentionMs: number, onEvent: OnEvent): Compaction {
  if (retentionMs === 0) return { stop: () => Promise.resolve() }
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

  return {
    stop: async () => {
      closed.abort()
      await working
    },
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
