import { userInfo } from "node:os"
import { parseWholeNumber } from "@trust-registry/eatp"
import { encryptionOf } from "./encryption.js"
import { assureParameter, numberOf, wordOf } from "./parameters.js"
import { CONNECT_TIMEOUT_MS, type Host, IN_THE_CLEAR, KEEP_ALIVE_S, type Target } from "./target.js"

/**
 * Reads a `postgres://` URL as libpq documents it. Every parameter is honoured or refused by its name; nothing is filled in from the
 * environment or from files in the home folder. Throws an Error whose message says what is allowed and never holds the password.
 */
export function parseDatabaseUrl(text: string): Target {
  if (!/^postgres(ql)?:\/\//.test(text)) throw new Error(FORM)
  if (/[\s\p{Cc}]/u.test(text)) throw new Error(`${FORM}, without spaces, quotes and control characters`)
  const parts = partsOf(text.slice(text.indexOf("://") + 3))
  const given = new Map(parts.parameters)
  for (const [name, value] of given) assureParameter(name, value)
  const of = (name: string, fallback = "") => given.get(name) || fallback
  const hosts = hostsOf(of("host", parts.hosts), of("port", parts.ports), of("hostaddr"))
  const user = of("user", parts.user) || userInfo().username
  const encryption = encryptionOf(given)
  wordOf(given, "target_session_attrs", ["any", "read-write", "primary"], "any")
  return {
    hosts,
    random: wordOf(given, "load_balance_hosts", ["disable", "random"], "disable") === "random",
    user,
    database: of("dbname", parts.database) || user,
    password: of("password", parts.password),
    passfile: of("passfile"),
    encryption: hosts.every(({ host, address }) => address === "" && host.startsWith("/"))
      ? IN_THE_CLEAR
      : encryption,
    connectTimeoutMs: numberOf(given, "connect_timeout", 1, 3600, CONNECT_TIMEOUT_MS / 1000) * 1000,
    keepAliveS:
      wordOf(given, "keepalives", ["0", "1"], "1") === "0"
        ? 0
        : numberOf(given, "keepalives_idle", 0, 86_400, 0) || KEEP_ALIVE_S,
    startup: startupOf(given),
    learnt: { host: 0 },
  }
}

const FORM = "postgres://user:password@host:port/database, special characters percent-encoded"

interface Parts {
  user: string
  password: string
  /** Comma-separated, like libpq's parameters of the same names. */
  hosts: string
  ports: string
  database: string
  parameters: [string, string][]
}

/** Splits what follows `://`, at the same characters as libpq. */
function partsOf(text: string): Parts {
  const query = text.slice(databaseEnd(text))
  const credentials = /^(?<user>[^@/:]*)(?::(?<password>[^@/]*))?@/.exec(text)
  const { user = "", password = "" } = credentials?.groups ?? {}
  const rest = text.slice(credentials?.[0].length ?? 0, text.length - query.length)
  const slash = rest.indexOf("/")
  const hostspec = slash < 0 ? rest : rest.slice(0, slash)
  if (/@/.test(rest)) throw new Error(`${FORM} (an @ or / in the user or password is %40 or %2F)`)
  const hosts = hostspec.split(",").map(hostOf)
  return {
    user: decoded(user),
    password: decoded(password),
    hosts: hosts.map(({ host }) => decoded(host)).join(","),
    ports: hosts.map(({ port }) => port).join(","),
    database: slash < 0 ? "" : decoded(rest.slice(slash + 1)),
    parameters: parametersOf(query.slice(1)),
  }
}

/** Where the parameters begin: at the first `?` after user and password, which may hold one. */
function databaseEnd(text: string) {
  const at = /^[^@/]*@/.exec(text)?.[0].length ?? 0
  const mark = text.indexOf("?", at)
  return mark < 0 ? text.length : mark
}

function hostOf(text: string): { host: string; port: string } {
  const { ip6, name, port = "" } = HOST.exec(text)?.groups ?? {}
  const host = ip6 ?? name
  if (host === undefined) throw new Error(`${FORM}, an IPv6 address in brackets: [::1]:5432`)
  return { host, port }
}

const HOST = /^(?:\[(?<ip6>[0-9a-fA-F:.]+(?:%25[\w.-]+|%[\w.-]+)?)\]|(?<name>[^:[\]]*))(?::(?<port>\d*))?$/

function parametersOf(query: string): [string, string][] {
  if (query === "") return []
  const seen = new Set<string>()
  return query.split("&").map((pair) => {
    const [name, value, ...more] = pair.split("=")
    if (name === undefined || value === undefined || more.length > 0)
      throw new Error("a URL with parameters of the form ?name=value&name=value")
    const key = decoded(name)
    if (seen.has(key)) throw new Error(`a URL that gives the parameter ${key} once`)
    seen.add(key)
    // Of JDBC, which libpq takes too.
    return key === "ssl" && value === "true" ? ["sslmode", "require"] : [key, decoded(value)]
  })
}

function decoded(text: string): string {
  try {
    const plain = decodeURIComponent(text)
    if (!plain.includes("\0")) return plain
  } catch {
    // Said below, without the text, which may be the password.
  }
  throw new Error(`${FORM}: a % stands before two hexadecimal digits, and %00 is not allowed`)
}

function hostsOf(hosts: string, ports: string, addresses: string): Host[] {
  const names = hosts.split(",")
  const numbers = ports.split(",")
  const places = addresses === "" ? [] : addresses.split(",")
  const count = Math.max(hosts === "" ? 0 : names.length, places.length)
  if (places.length > 0 && hosts !== "" && places.length !== names.length)
    throw new Error("a URL with as many addresses in hostaddr as it has hosts")
  if (numbers.length > 1 && numbers.length !== count)
    throw new Error("a URL with one port, or one for each host")
  return Array.from({ length: count || 1 }, (_, index) => {
    const address = places[index] ?? ""
    const host = names[index] || address
    if (host === "") throw new Error("a URL that names its host: postgres://user:password@host:port/database")
    return { host, address, port: portOf((numbers.length === 1 ? numbers[0] : numbers[index]) ?? "") }
  })
}

function portOf(text: string): number {
  const port = text === "" ? 5432n : parseWholeNumber(text, 1n, 65_535n)
  if (port === undefined) throw new Error("a URL with a port from 1 to 65535")
  return Number(port)
}

function startupOf(given: ReadonlyMap<string, string>): Record<string, string> {
  const name = given.get("application_name") || given.get("fallback_application_name") || "trust-registry"
  const options = given.get("options")
  return { application_name: name, ...(options ? { options } : {}) }
}
