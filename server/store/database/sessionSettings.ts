import { connectionFailure, DatabaseUnfit } from "../../connection/failure.js"

/**
 * Settings of a session that correctness needs, with their values as PostgreSQL shows them. Whatever role, database or server say,
 * each session of ours has these. A setting that this PostgreSQL does not know is left out.
 */
const PINNED: Readonly<Record<string, string>> = {
  // A check and the write after it see what committed in between.
  default_transaction_isolation: "read committed",
  default_transaction_deferrable: "off",
  // How values are written and read.
  client_encoding: "UTF8",
  array_nulls: "on",
  standard_conforming_strings: "on",
  transform_null_equals: "off",
  DateStyle: "ISO, MDY",
  TimeZone: "UTC",
  IntervalStyle: "postgres",
  bytea_output: "hex",
  // An index search that stops early leaves rows out.
  gin_fuzzy_search_limit: "0",
  // The server has limits of its own, which callers are told about.
  statement_timeout: "0",
  lock_timeout: "0",
  transaction_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  exit_on_error: "off",
}

/** What a session says about itself in the statement after {@link pinStatement}; texts are those of `current_setting`. */
export interface Facts {
  pid: number
  mark: string | null
  pinned: Record<string, string | null>
  server_encoding: string
  server_version: string
  server_version_num: number
  session_replication_role: string
  default_transaction_read_only: string
  in_recovery: boolean
}

/**
 * Pins the settings of a session and leaves a mark in it. The path of schemas becomes the registry's own schema, so that tables are found
 * whatever the path of the role is.
 *
 * @param schema a quoted identifier; without one the schema in which the session finds the registry's tables
 */
export function pinStatement(mark: string, schema: string | undefined): string {
  const pins = Object.entries(PINNED).map(([name, value]) => `(${literal(name)}, ${literal(value)})`)
  const home =
    schema === undefined
      ? "(select relnamespace::regnamespace::text from pg_catalog.pg_class where oid = to_regclass('trust_migrations'))"
      : literal(schema)
  return `
    select set_config(name, value, false) from (values ${pins.join()}) as pin (name, value)
    where current_setting(name, true) <> value;
    select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off';
    select set_config('search_path', home || ', pg_temp', false) from (select ${home} as home) as h where home is not null;
    select set_config('${MARK}', ${literal(mark)}, false)`
}

/** The setting that holds the mark of a session. */
const MARK = "trust_registry.session"

/** Reads {@link Facts}, as one JSON text. */
export const factsStatement = `
  select json_build_object(
    'pid', pg_backend_pid(),
    'mark', current_setting('${MARK}', true),
    'pinned', json_build_object(${Object.keys(PINNED)
      .map((name) => `${literal(name)}, current_setting(${literal(name)}, true)`)
      .join()}),
    'server_encoding', current_setting('server_encoding'),
    'server_version', current_setting('server_version'),
    'server_version_num', current_setting('server_version_num')::int,
    'session_replication_role', current_setting('session_replication_role'),
    'default_transaction_read_only', current_setting('default_transaction_read_only'),
    'in_recovery', pg_is_in_recovery())`

/** Throws DatabaseUnfit, or an error that passes, for a session in which the registry could give a wrong answer or lose a write. */
export function assureFit(facts: Facts | undefined, mark: string): asserts facts is Facts {
  if (facts?.mark !== mark) throw new DatabaseUnfit(POOLED)
  if (facts.server_version_num < 150_000)
    throw new DatabaseUnfit(`PostgreSQL ${facts.server_version} is too old: the registry needs 15 or newer`)
  if (facts.server_encoding !== "UTF8")
    throw unfit(
      "server_encoding",
      facts.server_encoding,
      "create the database with encoding 'UTF8' template template0",
    )
  // Triggers keep order, history and revocations, and do not run for a replica.
  if (facts.session_replication_role === "replica")
    throw unfit(
      "session_replication_role",
      "replica",
      "set it back to origin for the role and database (alter role … reset session_replication_role)",
    )
  for (const [name, value] of Object.entries(PINNED)) {
    const found = facts.pinned[name] ?? value
    if (found !== value) throw unfit(name, found, `the registry needs ${value} and could not set it`)
  }
  // Both may pass with a failover.
  if (facts.in_recovery)
    throw connectionFailure(
      "57P03",
      "the server is a standby, which takes no writes and sees changes late: name the primary",
    )
  if (facts.default_transaction_read_only === "on")
    throw connectionFailure(
      "25006",
      "the setting default_transaction_read_only is on: set it to off for the role and database once writes are allowed again",
    )
}

/** What to do about a pooler that does not keep sessions. */
export const POOLED =
  "between this server and PostgreSQL is a connection pooler that gives one session's statements to several connections: use " +
  "PostgreSQL's own port, or a pool in session mode (PgBouncer: pool_mode = session)"

function unfit(setting: string, value: string, remedy: string) {
  return new DatabaseUnfit(`the setting ${setting} is ${JSON.stringify(value)}: ${remedy}`)
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
