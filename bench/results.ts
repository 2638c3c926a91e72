import { readFile, writeFile } from "node:fs/promises"
import { cpus, totalmem } from "node:os"
import type { Judged } from "./figure.js"
import { pinning } from "./processes.js"

/** A figure's findings, with what they hold for. */
export interface Result extends Judged {
  /** When it was measured (ISO 8601). */
  readonly at: string
  /** Of which commit. */
  readonly commit: string
  /** How long that took. */
  readonly minutes: number
}

/** What bench/results.json holds. */
export interface Results {
  readonly machine: string
  readonly figures: Readonly<Record<string, Result>>
}

/** The machine that all figures were measured on, as the table names it. */
export function machineName(): string {
  const [cpu] = cpus()
  const memory = Math.round(totalmem() / 1024 ** 3)
  const [major, minor] = process.versions.node.split(".")
  return `${cpus().length} cores of ${cpu?.model ?? "an unknown processor"}, ${memory} GiB, Node ${major}.${minor}, ${pinning()}`
}

/** Reads results; none where the file is missing or of another machine: figures of two machines make no table. */
export async function readResults(path: string): Promise<Results> {
  const none = { machine: machineName(), figures: {} }
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error
  })
  const results = text === undefined ? none : (JSON.parse(text) as Results)
  return results.machine === none.machine ? results : none
}

/** Writes results, numbers as short as they are exact. */
export async function writeResults(path: string, results: Results): Promise<void> {
  const short = (_: string, value: unknown) => (typeof value === "number" ? rounded(value) : value)
  await writeFile(path, `${JSON.stringify(results, short, 1)}\n`)
}

/** Five digits: more are noise. */
function rounded(value: number) {
  return Number(value.toPrecision(5))
}
