import { setMaxListeners } from "node:events"
import { parseInstant } from "@trust-registry/eatp"
import postgres from "postgres"
import { ENVIRONMENT_PROOF } from "../../connection/driverOptions.js"
import { passwordFor } from "../../connection/passfile.js"
import type { Host, Target } from "../../connection/target.js"
import { type Connection, targetOf } from "../../connection/targetOf.js"
import { openSession } from "./openSession.js"

export type { Connection } from "../../connection/targetOf.js"

/** The driver with our types: bigint for bigint, microseconds since 1970 for timestamptz. */
export type Sql = postgres.Sql<{ bigint: bigint; timestamptz: bigint }>

/** The same within a transaction. */
export type Transaction = postgres.TransactionSql<{ bigint: bigint; timestamptz: bigint }>

/** A piece of a query. */
export type Fragment = postgres.Fragment

/** The object id of the type text[], for `sql.array`. */
export const TEXTS = 1009
/** The object id of bigint[]. */
export const BIGINTS = 1016

/** Options that differ between pools. `onnotify` is not in the driver's types; see driverInternals.ts. */
export type PoolChanges = Pick<
  postgres.Options<Record<string, never>>,
  "max_lifetime" | "onclose" | "debug"
> & {
  onnotify?: () => void
}

/** A pool of at most `max` connections; none is opened before the first query. Each has a session that was prepared for us. */
export function openPool(
  connection: Connection,
  max: number,
  onNotice: (text: string) => void,
  changes: PoolChanges = {},
): Sql {
  const target = targetOf(connection)
  const closing = new AbortController()
  setMaxListeners(0, closing.signal)
  const sql = postgres({ ...driverOptions(target, closing.signal, onNotice), max, ...changes })
  const { end } = sql
  // The driver forgets a connection that it is just opening.
  sql.end = (options) => end(options).finally(() => closing.abort())
  return sql
}

function driverOptions(target: Target, closing: AbortSignal, onNotice: (text: string) => void) {
  const [first] = target.hosts
  return {
    ...ENVIRONMENT_PROOF,
    // For the texts of its errors alone: `socket` connects.
    host: first?.host ?? "",
    port: first?.port ?? 0,
    database: target.database,
    username: target.user,
    password: () => passwordFor(target, (target.hosts[target.learnt.host] ?? first) as Host),
    socket: () => openSession(target, closing),
    // The driver's own back-off grows to 20 s, but a database that is back must be noticed at once.
    backoff: () => 0.1,
    onnotice: (notice: postgres.Notice) => onNotice(notice.message ?? ""),
    connection: target.startup,
    types: { bigint: postgres.BigInt, timestamptz, ...arrays },
  }
}

/** Keeps microseconds. A Date would drop them, and a record would not be what was written. */
const timestamptz = {
  to: 1184,
  from: [1184],
  serialize: timestamptzText,
  parse: (text: string) => {
    const instant = parseInstant(`${text.replace(" ", "T")}:00`)
    if (!instant) return text.startsWith("-") || text.endsWith("BC") ? EARLIEST : LATEST
    return instant.seconds * MICROS + BigInt(instant.nanos / 1000)
  },
} satisfies postgres.PostgresType<bigint>

/** Microseconds since 1970 in the text form of a timestamptz. */
export function timestamptzText(micros: bigint): string {
  const seconds = micros / MICROS - (micros % MICROS < 0n ? 1n : 0n)
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  return `${text}.${String(micros - seconds * MICROS).padStart(6, "0")}+00`
}

/** A value of a composite type in PostgreSQL's text form. Undefined is null. */
export function rowText(fields: (string | undefined)[]): string {
  return `(${fields.map((field) => (field === undefined ? "" : quoted(field))).join()})`
}

/** An array of texts in PostgreSQL's text form. */
export function arrayText(items: string[]): string {
  return `{${items.map(quoted).join()}}`
}

/** An array of `type` in PostgreSQL's text form, for parameters only. */
function arrayOf<Item>(type: number, textOf: (item: Item) => string): postgres.PostgresType<(Item | null)[]> {
  const item = (value: Item | null) => (value === null ? "null" : quoted(textOf(value)))
  return { to: type, from: [], serialize: (items) => `{${items.map(item).join()}}`, parse: () => [] }
}

/**
 * Items of an array and fields of a row know no escapes but `\"` and `\\`. For a text without control characters JSON's escapes are
 * the same, and four times as fast to make.
 */
function quoted(text: string): string {
  return CONTROL.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : JSON.stringify(text)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is those that are looked for
const CONTROL = /[\0-\x1f]/

const arrays = {
  texts: arrayOf(TEXTS, String),
  bigints: arrayOf(BIGINTS, String),
}

const MICROS = 1_000_000n
/** The bounds of google.protobuf.Timestamp. A row written by hand may hold infinity or the year 20000. */
const EARLIEST = -62_135_596_800n * MICROS
const LATEST = 253_402_300_799n * MICROS
