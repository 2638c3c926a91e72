import { runProgram } from "../processes.js"

/** A job for h2load: one call, repeated from one thread. */
export interface H2load {
  /** `host:port`. */
  readonly address: string
  /** `/package.Service/Method`. */
  readonly path: string
  /** A file with a single call, see writeBodies. */
  readonly body: string
  readonly connections: number
  /** Calls open at once on each connection. */
  readonly streams: number
  readonly warmSeconds: number
  readonly seconds: number
}

/** Answers per second. Throws if any call failed at the HTTP/2 level; does not check the gRPC status. */
export async function h2load(job: H2load): Promise<number> {
  const args = [
    ...["-c", String(job.connections), "-m", String(job.streams), "-t", "1"],
    ...["-D", `${job.seconds}s`, "--warm-up-time", `${job.warmSeconds}s`],
    ...["-d", job.body, "-H", "content-type: application/grpc", "-H", "te: trailers"],
    `http://${job.address}${job.path}`,
  ]
  return answersPerSecond(await runProgram({ command: "h2load", args, cpu: "load" }))
}

/** Parses the output of h2load. Throws for a run with failures or without measurements. */
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
