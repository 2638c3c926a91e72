import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino"

/** The server's structured log. */
export type Log = Logger

/** JSON lines on standard output, or to `destination`; level names and ISO times, so that people can read them too. */
export function createLog(level: string, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
  }
  // Written at once: what a crash leaves unwritten is what would have told why.
  return pino(options, destination ?? pino.destination({ fd: 1, sync: true }))
}

/** What of an error is logged. PostgreSQL's `detail` and `where` may quote rows, and a document does not belong in a log. */
function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { message: String(error) }
  const { code, constraint_name: constraint, routine } = error as Error & Record<string, unknown>
  const cause =
    error.cause !== undefined && depth < DEEPEST ? describeError(error.cause, depth + 1) : undefined
  return { type: error.name, message: error.message, code, constraint, routine, stack: error.stack, cause }
}

/** A chain of causes may run in a ring. */
const DEEPEST = 5
