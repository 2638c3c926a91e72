import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino"

/** The server's structured log. */
export type Log = Logger

/** Logs JSON lines to standard output or `destination`, with level names and ISO times for readability. */
export function createLog(level: string, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
  }
  // Synchronous: lines lost in a crash are those that would explain it.
  return pino(options, destination ?? pino.destination({ fd: 1, sync: true }))
}

/** The logged parts of an error. Omits PostgreSQL's `detail` and `where`, which may quote rows: documents must not be logged. */
function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { message: String(error) }
  const { code, constraint_name: constraint, routine } = error as Error & Record<string, unknown>
  const cause =
    error.cause !== undefined && depth < DEEPEST ? describeError(error.cause, depth + 1) : undefined
  return { type: error.name, message: error.message, code, constraint, routine, stack: error.stack, cause }
}

/** A chain of causes may be circular. */
const DEEPEST = 5
