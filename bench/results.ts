import { readFile, writeFile } from "node:fs/promises"
import { cpus, totalmem } from "node:os"
import type { Evaluated } from "./figure.js"
import { pinning } from "./processes.js"

/** A figure's findings, with when and for which commit they were measured. */
export interface Result extends Evaluated {
  /** When it was measured (ISO 8601). */
  readonly at: string
  /** The measured commit. */
  readonly commit: string
  /** How long the measurement took. */
  readonly minutes: number
}

/** The contents of bench/results.json. */
export interface Results {
  readonly machine: string
  readonly figures: Readonly<Record<string, Result>>
}

/** The name of this machine, as in the document. */
export function machineName(): string {
  const [cpu] = cpus()
  const memory = Math.round(totalmem() / 1024 ** 3)
  const [major, minor] = process.versions.node.split(".")
  return `${cpus().length} cores of ${cpu?.model ?? "an unknown processor"}, ${memory} GiB, Node ${major}.${minor}, ${pinning()}`
}

/** Reads results; empty if the file is missing or from another machine, since figures of two machines cannot share a table. */
export async function readResults(path: string): Promise<Results> {
  const none = { machine: machineName(), figures: {} }
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error
  })
  const results = text === undefined ? none : (JSON.parse(text) as Results)
  return results.machine === none.machine ? results : none
}

/** Writes results, with numbers rounded to their precision. */
export async function writeResults(path: string, results: Results): Promise<void> {
  const short = (_: string, value: unknown) => (typeof value === "number" ? rounded(value) : value)
  await writeFile(path, `${JSON.stringify(results, short, 1)}\n`)
}

/** Rounds to five digits; more are noise. */
function rounded(value: number) {
  return Number(value.toPrecision(5))
}
