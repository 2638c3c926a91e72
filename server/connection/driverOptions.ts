/**
 * Options of postgres.js that it would otherwise take from `PG*` variables of the environment. Every one of its defaults is here; user,
 * password, host, port and database come from a Target.
 */
export const ENVIRONMENT_PROOF = {
  ssl: false as const,
  sslnegotiation: null,
  // The driver's default, which its types do not allow; without the key the environment would decide.
  idle_timeout: null as unknown as undefined,
  // Our socket has a bound of its own.
  connect_timeout: 0,
  // In seconds. So that a pooler or a proxy can be replaced while connections live.
  max_lifetime: 2_700,
  max_pipeline: 100,
  keep_alive: 60,
  prepare: true,
  debug: false,
  // The driver would read them on each connection, and a failure of that is an unhandled rejection.
  fetch_types: false,
  publications: "alltables",
  // Each session is checked to be a primary's before the driver sees it. No value means the variable's here.
  target_session_attrs: "primary" as const,
}
