import { createSignal } from "../../async/signal.js"
import type { Database } from "../database/database.js"
import type { OnEvent } from "../database/monitor.js"
import type { Sql } from "../database/sql.js"

/** How long a portion should hold the lock of changes, for which other writes wait, in milliseconds. */
const PORTION_MS = 150
/** Fewest and most records of a portion. */
const LEAST_RECORDS = 25
const MOST_RECORDS = 1_000
/** Most bytes of their chains, whose indexes are written anew: a tenth of a second for a megabyte. */
const PORTION_BYTES = 512 * 1024
/** Pause between two looks for work, which any process may have left. */
const EVERY_MS = 1_000

/** Writes and lifts large cascades in portions, from the first `wake` on until it is stopped. */
export interface Cascades {
  /** Looks for work at once. */
  wake(): void
  stop(): void
}

/**
 * Works on large cascades once it is woken. Every server tries, and the database lets one at a time make a step. So what a server that ended
 * had begun, another continues, or itself when it is started again.
 */
export function startCascades({ scan, work }: Pick<Database, "scan" | "work">, onEvent: OnEvent): Cascades {
  const woken = createSignal()
  let stopped = false
  let most = LEAST_RECORDS
  // A slow database gets smaller portions.
  const timed = async () => {
    const step = await work((sql) => nextStep(sql, most))
    if (step?.records && step.locked_ms) {
      const aim = (Number(step.records) * PORTION_MS) / step.locked_ms
      most = Math.round(Math.min(MOST_RECORDS, most * 2, Math.max(LEAST_RECORDS, aim)))
    }
    return step
  }
  const follow = async () => {
    let busy = false
    await woken.wait()
    while (!stopped) {
      try {
        const step: Step | undefined = busy || (await scan(anyWork)) ? await timed() : undefined
        busy = step !== undefined
        if (step?.did === "done") onEvent("info", `revocation ${step.revocation_id}: its cascade is complete`)
        if (busy || stopped) continue
      } catch (error) {
        if (!stopped) onEvent("error", `a cascade is not continued yet: ${(error as Error).message}`)
      }
      await woken.wait(EVERY_MS)
    }
  }
  void follow()
  return {
    wake: woken.notify,
    stop: () => {
      stopped = true
      woken.notify()
    },
  }
}

/** What a step of trust_cascade_step did. */
interface Step {
  did: "found" | "written" | "lifted" | "done"
  revocation_id: string
  records: bigint | null
  /** How long it held the lock of changes, in milliseconds; null if it did not. */
  locked_ms: number | null
}

/** How many large cascades began so far, and whether one is in progress. */
export interface CascadeState {
  begun: bigint
  inProgress: boolean
}

/** Reads the state of large cascades. */
export async function readCascadeState(sql: Sql): Promise<CascadeState> {
  const rows = await sql<CascadeState[]>`
    select case when is_called then last_value else 0 end as begun,
           exists (select from trust_cascades) as "inProgress"
    from trust_cascades_place_seq`
  return rows[0] ?? { begun: 0n, inProgress: true }
}

async function anyWork(sql: Sql): Promise<boolean> {
  const rows = await sql`select from trust_cascades limit 1`
  return rows.length > 0
}

async function nextStep(sql: Sql, most: number): Promise<Step | undefined> {
  const rows = await sql<Step[]>`select * from trust_cascade_step(${most}, ${PORTION_BYTES})`
  return rows[0]
}
