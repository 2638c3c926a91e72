import { runProgram } from "../processes.js"

/** What h2load is to do: one call, over and over, from one thread. */
export interface H2load {
  /** `host:port`. */
  readonly address: string
  /** `/package.Service/Method`. */
  readonly path: string
  /** A file with the one call, see writeBodies. */
  readonly body: string
  readonly connections: number
  /** Calls open at once on each connection. */
  readonly streams: number
  readonly warmSeconds: number
  readonly seconds: number
}

/** Answers per second. Throws if any call failed as HTTP/2 sees it; it does not look at the status of gRPC. */
export async function h2load(job: H2load): Promise<number> {
  const args = [
    ...["-c", String(job.connections), "-m", String(job.streams), "-t", "1"],
    ...["-D", `${job.seconds}s`, "--warm-up-time", `${job.warmSeconds}s`],
    ...["-d", job.body, "-H", "content-type: application/grpc", "-H", "te: trailers"],
    `http://${job.address}${job.path}`,
  ]
  return answersPerSecond(await runProgram({ command: "h2load", args, cpu: "load" }))
}

/** Reads what h2load prints. Throws for a run with failures, or of which nothing was measured. */
export function answersPerSecond(text: string): number {
  const [, rate] = /finished in [\d.]+\w+, ([\d.]+) req\/s/.exec(text) ?? []
  const [, done, failed, errored, timedOut] =
    /requests: \d+ total, \d+ started, (\d+) done, \d+ succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(
      text,
    ) ?? []
  if (rate === undefined || Number(done) === 0) throw new Error(`h2load measured nothing:\n${text}`)
  const bad = Number(failed) + Number(errored) + Number(timedOut)
  if (bad > 0) throw new Error(`${bad} of h2load's calls failed:\n${text}`)
  return Number(rate)
}
