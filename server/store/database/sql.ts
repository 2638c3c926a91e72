import postgres from "postgres"

/** How to reach PostgreSQL: a URL, or what the embedded one gives. */
export type Connection = string | postgres.Options<Record<string, never>>

/** The driver with our types: bigint for bigint, microseconds since 1970 for timestamptz. */
export type Sql = postgres.Sql<{ bigint: bigint; timestamptz: bigint }>

/** The same within a transaction. */
export type Transaction = postgres.TransactionSql<{ bigint: bigint; timestamptz: bigint }>

/** A piece of a query. */
export type Fragment = postgres.Fragment

/** PostgreSQL's number of text[], for `sql.array`. */
export const TEXTS = 1009
/** As {@link TEXTS}, of bigint[]. */
export const BIGINTS = 1016

/** What a pool may want beside the usual; the driver knows `onnotify`, its types do not. */
export type PoolChanges = Pick<postgres.Options<Record<string, never>>, "max_lifetime" | "onclose"> & {
  onnotify?: () => void
}

/** A pool of at most `max` connections; none is opened before the first query. */
export function openPool(
  connection: Connection,
  max: number,
  onNotice: (text: string) => void,
  changes: PoolChanges = {},
): Sql {
  const options = {
    max,
    connect_timeout: 2,
    // The driver's own back-off grows to 20 s; a database that is back must be noticed at once.
    backoff: () => 0.1,
    onnotice: (notice: postgres.Notice) => onNotice(notice.message ?? ""),
    connection: { application_name: "trust-registry", TimeZone: "UTC", DateStyle: "ISO" },
    // The driver would ask for them on each connection, and nobody hears of it when that fails.
    fetch_types: false,
    types: { bigint: postgres.BigInt, timestamptz, ...arrays },
    ...changes,
  }
  return typeof connection === "string"
    ? postgres(connection, options)
    : postgres({ ...connection, ...options })
}

/** Microseconds are kept: a Date would drop them, and a record would not be what was written. */
const timestamptz = {
  to: 1184,
  from: [1184],
  serialize: timestamptzText,
  parse: (text: string) => {
    const parts = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/.exec(text)
    if (!parts) return text.startsWith("-") || text.endsWith("BC") ? EARLIEST : LATEST
    const [, date, time, fraction = ""] = parts
    return BigInt(Date.parse(`${date}T${time}Z`)) * 1000n + BigInt(fraction.padEnd(6, "0"))
  },
} satisfies postgres.PostgresType<bigint>

/** Microseconds since 1970 as PostgreSQL reads a timestamptz. */
export function timestamptzText(micros: bigint): string {
  const seconds = micros / MICROS - (micros % MICROS < 0n ? 1n : 0n)
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  return `${text}.${String(micros - seconds * MICROS).padStart(6, "0")}+00`
}

/** A value of a composite type as PostgreSQL reads it; undefined is null. */
export function rowText(fields: (string | undefined)[]): string {
  return `(${fields.map((field) => (field === undefined ? "" : quoted(field))).join()})`
}

/** An array of texts as PostgreSQL reads it. */
export function arrayText(items: string[]): string {
  return `{${items.map(quoted).join()}}`
}

/** An array of `type` as PostgreSQL reads it; none is ever read from it. */
function arrayOf<Item>(type: number, textOf: (item: Item) => string): postgres.PostgresType<(Item | null)[]> {
  const item = (value: Item | null) => (value === null ? "null" : quoted(textOf(value)))
  return { to: type, from: [], serialize: (items) => `{${items.map(item).join()}}`, parse: () => [] }
}

/**
 * Items of an array and fields of a row know no other escapes than `\"` and `\\`. Of a text without control characters JSON's are the same, and made
 * four times as fast.
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
/** The bounds of google.protobuf.Timestamp; a row made by hand may hold infinity or the year 20000. */
const EARLIEST = BigInt(Date.parse("0001-01-01T00:00:00Z")) * 1000n
const LATEST = BigInt(Date.parse("9999-12-31T23:59:59Z")) * 1000n
