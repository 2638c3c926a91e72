import { ErrorReason } from "@trust-registry/proto"
import { DatabaseUnfit } from "../../connection/failure.js"
import { RegistryError } from "../../errors.js"
import { MIXED, SPARSE } from "./driverInternals.js"

/** How long a caller should wait before it retries a call that the database did not answer. */
const RETRY_AFTER_MS = 250

/** The error for a database that did not answer in time, or cannot. */
export function databaseUnavailable(message: string, cause?: unknown): RegistryError {
  return new RegistryError(ErrorReason.DATABASE_UNAVAILABLE, message, { cause, retryAfterMs: RETRY_AFTER_MS })
}

/** Whether a call failed because the database is unavailable, so that waiting calls would fail too. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof RegistryError && error.reason === ErrorReason.DATABASE_UNAVAILABLE
}

/** Whether the same statement may succeed on another connection or a moment later. */
export function isPassing(error: unknown): boolean {
  const code = codeOf(error)
  return isLost(error) || PASSING_STATES.has(code) || /^5[38]/.test(code)
}

/** Whether the connection was lost, or must be given up because what it answers cannot be trusted. */
export function isLost(error: unknown): boolean {
  const code = codeOf(error)
  return (
    code === SPARSE ||
    code === MIXED ||
    LOST_CODES.has(code) ||
    code.startsWith("08") ||
    SYSTEM_CODE.test(code)
  )
}

/** Whether a table, column, type or function of the schema is not what this server knows. */
export function isSchemaFault(error: unknown): boolean {
  return SCHEMA_STATES.has(codeOf(error))
}

/** Whether a wait for a lock, or the statement itself, was ended by its time limit. */
export function isWaitOver(error: unknown): boolean {
  return codeOf(error) === "55P03" || codeOf(error) === "57014"
}

/** Why the database must not be used, if that is what failed. */
export function unfitnessOf(error: unknown): string | undefined {
  return error instanceof DatabaseUnfit ? error.message : undefined
}

/** Whether PostgreSQL refused the data of a row (SQLSTATE classes 22 and 23). */
export function isDataFault(error: unknown): boolean {
  return /^2[23]/.test(codeOf(error))
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === "string" ? code : ""
}

/** ECONNREFUSED and its like; Node's own codes begin with ERR_. */
const SYSTEM_CODE = /^E(?!RR_)[A-Z_]+$/

const LOST_CODES = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "CONNECT_TIMEOUT",
  "57P01", // the server is being stopped
  "57P02", // the server crashed
  "57P03", // the server is starting
  "57P05", // the session was idle for too long
])

const SCHEMA_STATES = new Set(["42P01", "42703", "42704", "42804", "42883", "3F000", "0A000"])

/** Besides the classes 53 (disk, memory or connections exhausted) and 58 (a system error). */
const PASSING_STATES = new Set([
  "25006", // read-only: this was the primary a moment ago
  "40001", // serialization failure
  "40P01", // deadlock
])
