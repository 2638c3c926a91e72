import { readFile } from "node:fs/promises"
import { join } from "node:path"
import type { Lab } from "../lab.js"
import type { Latency } from "./latency.js"

/** What watches saw. */
export interface Watched {
  /** From the write of a row, before its commit, to its event. */
  readonly lag: Latency
  /** Which agent's event came when (milliseconds since 1970), in this order, to the first watch. */
  readonly seen: readonly (readonly [agentId: string, at: number])[]
  /** How many events some of the watches saw. */
  readonly events: readonly number[]
  /** How many responses all of them got. */
  readonly responses: number
}

/**
 * Follows all changes with many watches while `work` makes some, and until all have seen as many as it says it made. Throws
 * if they see fewer, or not the same.
 */
export async function watching(
  lab: Lab,
  address: string,
  watches: number,
  work: () => Promise<number>,
): Promise<Watched> {
  const file = join(import.meta.dirname, "watchers.ts")
  const watchers = lab.program(process.execPath, ["--import", "tsx", file, address, String(watches)], "load")
  await watchers.said((text) => (text.includes("ready") ? true : undefined))
  const made = await work()
  await watchers.said((text) => (seen(text) >= made ? true : undefined))
  await watchers.end()
  const log = await readFile(watchers.logFile, "utf8")
  const told = JSON.parse(log.split("\n").find((line) => line.startsWith("{")) ?? "") as Watched
  // A write that failed may have been done all the same.
  if (told.events.some((events) => events < made || events !== told.events[0]))
    throw new Error(`of ${made} changes watches saw ${told.events.join(", ")}`)
  return told
}

function seen(log: string) {
  return Number(/.*^seen (\d+)$/ms.exec(log)?.[1] ?? 0)
}
