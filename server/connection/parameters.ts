import { parseWholeNumber } from "@trust-registry/eatp"

/** Throws an Error for a parameter that this server does not honour, with its name and what to do. */
export function assureParameter(name: string, value: string): void {
  if (HONOURED.has(name)) return
  const harmless = HARMLESS[name]
  if (harmless?.includes(value)) return
  if (harmless)
    throw new Error(
      `a URL with ${name}=${harmless.filter((word) => word !== "").join(` or ${name}=`)} or without ${name}`,
    )
  const refused = REFUSED[name]
  if (refused !== undefined)
    throw new Error(`a URL without ${name}, which this server does not support: ${refused}`)
  const known = /^\w{1,40}$/.test(name) ? name : "one"
  throw new Error(`a URL with libpq's parameters: it has no parameter ${known}`)
}

/** The word of a parameter, or a default. Throws an Error for any other word. */
export function wordOf<const Word extends string>(
  given: ReadonlyMap<string, string>,
  name: string,
  words: readonly Word[],
  fallback: NoInfer<Word>,
): Word {
  const text = given.get(name) || fallback
  const word = words.find((word) => word === text)
  if (word === undefined) throw new Error(`a URL whose ${name} is one of ${words.join(", ")}`)
  return word
}

/** The whole number of a parameter, or a default. Throws an Error outside the bounds. */
export function numberOf(
  given: ReadonlyMap<string, string>,
  name: string,
  least: number,
  most: number,
  fallback: number,
): number {
  const text = given.get(name)
  if (!text) return fallback
  const number = parseWholeNumber(text, BigInt(least), BigInt(most))
  if (number === undefined) throw new Error(`a URL whose ${name} is a whole number from ${least} to ${most}`)
  return Number(number)
}

const HONOURED = new Set(
  `host hostaddr port dbname user password passfile connect_timeout options application_name fallback_application_name
  keepalives keepalives_idle sslmode sslnegotiation sslrootcert sslcrl sslcert sslkey sslpassword sslsni sslcertmode
  ssl_min_protocol_version ssl_max_protocol_version target_session_attrs load_balance_hosts`.split(/\s+/),
)

/** Parameters that are taken with values which change nothing here. */
const HARMLESS: Readonly<Record<string, readonly string[]>> = Object.assign(Object.create(null), {
  channel_binding: ["prefer", "disable", ""],
  gssencmode: ["prefer", "disable", ""],
  client_encoding: ["UTF8", "utf8", "UTF-8", "utf-8", "auto", ""],
  sslcompression: ["0", ""],
  keepalives_interval: ["0", ""],
  keepalives_count: ["0", ""],
  tcp_user_timeout: ["0", ""],
  gssdelegation: ["0", ""],
  min_protocol_version: ["3.0", ""],
  max_protocol_version: ["3.0", "latest", ""],
})

const NO_GSS = "it does not use GSSAPI"
const NO_OAUTH = "it logs in by password or certificate"

/** Parameters of libpq that are refused, with the reason. */
const REFUSED: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  service: "write the parameters of the service into the URL",
  servicefile: "write the parameters of the service into the URL",
  require_auth: "require it in PostgreSQL's pg_hba.conf",
  requirepeer: "protect the folder of the socket",
  requiressl: "use sslmode",
  ssl: "use sslmode",
  sslcrldir: "use sslcrl",
  sslkeylogfile: "it writes no keys",
  replication: "it opens ordinary sessions",
  krbsrvname: NO_GSS,
  gsslib: NO_GSS,
  scram_client_key: "use password or passfile",
  scram_server_key: "use password or passfile",
  oauth_issuer: NO_OAUTH,
  oauth_client_id: NO_OAUTH,
  oauth_client_secret: NO_OAUTH,
  oauth_scope: NO_OAUTH,
})
