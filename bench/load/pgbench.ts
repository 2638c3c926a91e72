import { availableParallelism } from "node:os"
import type { BenchDatabase } from "../lab.js"
import { bareEnvironment, runProgram } from "../processes.js"

/** A job for pgbench. */
export interface Pgbench {
  readonly database: BenchDatabase
  /** A file with the script. */
  readonly script: string
  /** Sessions, each with one transaction at a time. */
  readonly clients: number
  readonly seconds: number
  /** Variables of the script, sent as parameters of prepared statements. */
  readonly variables: Readonly<Record<string, string | number>>
}

/** Transactions per second. */
export async function pgbench({ database, script, clients, seconds, variables }: Pgbench): Promise<number> {
  const defined = Object.entries(variables).flatMap(([name, value]) => ["-D", `${name}=${value}`])
  const out = await runProgram({
    command: "pgbench",
    args: [
      ...["-n", "-M", "prepared", "-f", script, "-c", String(clients), "-T", String(seconds)],
      ...["-j", String(Math.min(clients, availableParallelism())), ...defined],
    ],
    env: bareEnvironment(database.env),
  })
  return transactionsPerSecond(out)
}

/** Parses the output of pgbench. Throws for a run with failures or without measurements. */
export function transactionsPerSecond(text: string): number {
  const [, rate] = /^tps = ([\d.]+) \(without/m.exec(text) ?? []
  const [, failed = "0"] = /^number of failed transactions: (\d+)/m.exec(text) ?? []
  if (rate === undefined || Number(rate) === 0 || failed !== "0") throw new Error(`pgbench failed:\n${text}`)
  return Number(rate)
}
