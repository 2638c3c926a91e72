import { join } from "node:path"
import type { Cpu } from "../processes.js"
import { runProgram } from "../processes.js"
import type { Latency } from "./latency.js"

/** What the load generator is to do. */
export interface Job {
  /** `host:port`. */
  readonly address: string
  /** `/package.Service/Method`. */
  readonly path: string
  /** A file of calls, see writeBodies; they are sent in turn, over and over. */
  readonly bodies: string
  /** Whether each is sent once only, and all count. */
  readonly once?: boolean
  /** Whether calls may fail; they are counted. */
  readonly mayFail?: boolean
  readonly connections: number
  /** How many calls are open at once; not with `rate`. */
  readonly inFlight: number
  /** Whether it is to be told when each was answered. */
  readonly times?: boolean
  /** Calls started per second. */
  readonly rate?: number
  /**
   * Whether they may start a millisecond or two late: to be on time takes a core of its own, which whatever else runs there goes
   * without.
   */
  readonly coarse?: boolean
  /** Sent, but not counted. */
  readonly warmSeconds: number
  readonly seconds: number
}

/** What came of it. */
export interface Drive {
  readonly seconds: number
  /** Calls that were answered well in this time. */
  readonly answers: number
  readonly failures: number
  /** All calls that were answered well, those of the warm-up too. */
  readonly total: number
  /** When the warm-up ended, in milliseconds since 1970. */
  readonly measuredFrom: number
  readonly latency: Latency
  /** Which body was answered when (milliseconds since 1970), in this order; where the job asks for it. */
  readonly answered?: readonly (readonly [body: number, at: number])[]
}

/** Sends the calls from a process of its own; throws if any of them failed that may not. */
export async function drive(job: Job, cpu?: Cpu): Promise<Drive> {
  const args = ["--import", "tsx", join(import.meta.dirname, "drive.ts"), JSON.stringify(job)]
  const result = JSON.parse(await runProgram({ command: process.execPath, args, cpu })) as Drive
  if (result.failures > 0 && !job.mayFail) throw new Error(`${result.failures} calls of ${job.path} failed`)
  if (result.answers === 0) throw new Error(`no call of ${job.path} was answered`)
  return result
}

/** Answers per second. */
export function rateOf({ answers, seconds }: Drive): number {
  return answers / seconds
}
