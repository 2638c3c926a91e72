import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino"
import { createLogQueue, type LogQueue } from "./logQueue.js"
import { standardOutput } from "./standardOutput.js"

/** The server's structured log. */
export type Log = Logger

/**
 * Logs JSON lines to standard output or `destination`, with level names and ISO times for readability. Standard output that is not
 * read holds up nothing: up to 1 MiB waits, further lines are dropped, and a line says how many.
 */
export function createLog(level: string, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
  }
  return pino(options, destination ?? standardLog())
}

let queue: LogQueue | undefined

/** The queue before standard output, of which a process has one. */
function standardLog(): LogQueue {
  if (queue) return queue
  const opened = createLogQueue(standardOutput())
  // Lines lost at the end are those that would explain it.
  process.on("exit", opened.flushNow)
  queue = opened
  return opened
}

/** Logs a line of another process, with its line break. */
export function logLine(line: string): void {
  standardLog().write(line)
}

/** How many lines this process could not write to standard output, because nobody read it or it failed. */
export function droppedLogLines(): number {
  return queue?.dropped ?? 0
}

/** Waits until standard output has taken the log, at most `ms` milliseconds. */
export async function flushLog(ms: number): Promise<void> {
  await queue?.flush(ms)
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
