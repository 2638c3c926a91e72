import { readFile } from "node:fs/promises"
import { join } from "node:path"
import type { Lab } from "../lab.js"
import type { Latency } from "./latency.js"

/** What the watches received. */
export interface Watched {
  /** From the write of a row, before its commit, until its event arrived. */
  readonly lag: Latency
  /** When each agent's event arrived at the first watch (milliseconds since 1970), in order. */
  readonly seen: readonly (readonly [agentId: string, at: number])[]
  /** The number of events that each sampled watch received. */
  readonly events: readonly number[]
  /** The number of responses that all watches received. */
  readonly responses: number
}

/**
 * Follows all changes with many watches while `work` makes changes, until all have received as many as it reports. Throws
 * if they receive fewer, or different numbers.
 */
export async function watching(
  lab: Lab,
  address: string,
  watches: number,
  work: () => Promise<number>,
): Promise<Watched> {
  const file = join(import.meta.dirname, "watchers.ts")
  const watchers = lab.program(process.execPath, ["--import", "tsx", file, address, String(watches)], "load")
  await watchers.untilOutput((text) => (text.includes("ready") ? true : undefined))
  const made = await work()
  await watchers.untilOutput((text) => (seen(text) >= made ? true : undefined))
  await watchers.end()
  const log = await readFile(watchers.logFile, "utf8")
  const watched = JSON.parse(log.split("\n").find((line) => line.startsWith("{")) ?? "") as Watched
  // More events than writes are possible: a failed write may have been committed.
  if (watched.events.some((events) => events < made || events !== watched.events[0]))
    throw new Error(`of ${made} changes, the watches received ${watched.events.join(", ")}`)
  return watched
}

function seen(log: string) {
  return Number(/.*^seen (\d+)$/ms.exec(log)?.[1] ?? 0)
}
