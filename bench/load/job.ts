import { join } from "node:path"
import type { Cpu } from "../processes.js"
import { runProgram } from "../processes.js"
import type { Latency } from "./latency.js"

/** A job for the load generator. */
export interface Job {
  /** `host:port`. */
  readonly address: string
  /** `/package.Service/Method`. */
  readonly path: string
  /** A file of calls, see writeBodies; they are sent in turn, repeatedly. */
  readonly bodies: string
  /** Whether each call is sent only once, without warm-up. */
  readonly once?: boolean
  /** Whether calls may fail; failures are counted. */
  readonly mayFail?: boolean
  readonly connections: number
  /** How many calls are open at once; not with `rate`. */
  readonly inFlight: number
  /** Whether to report when each call was answered. */
  readonly times?: boolean
  /** Calls started per second. */
  readonly rate?: number
  /**
   * Whether calls may start a millisecond or two late: exact timing busies a whole core, which starves other processes there.
   */
  readonly coarse?: boolean
  /** The warm-up, in seconds: calls are sent, but not counted. */
  readonly warmSeconds: number
  readonly seconds: number
}

/** The result of a job. */
export interface Drive {
  readonly seconds: number
  /** Calls that succeeded in this time. */
  readonly answers: number
  readonly failures: number
  /** All calls that succeeded, including the warm-up. */
  readonly total: number
  /** When the warm-up ended, in milliseconds since 1970. */
  readonly measuredFrom: number
  readonly latency: Latency
  /** When each body was answered (milliseconds since 1970), in order of arrival; if the job requests it. */
  readonly answered?: readonly (readonly [body: number, at: number])[]
}

/** Sends the calls from a separate process; throws if any of them failed, unless the job allows it. */
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
