/**
 * A connection string for people. Only what is known to hold no secret is shown: user, hosts, database and {@link PUBLIC}
 * parameters of a well-formed URL. Of any other text nothing is shown, because nobody can tell where a password begins in it.
 */
export function maskUrl(text: string): string {
  const { scheme, userinfo, hosts, database, query } = FORM.exec(text)?.groups ?? {}
  if (scheme === undefined) return text === "" ? "" : "***"
  return [
    scheme,
    userinfo === undefined ? "" : maskUser(userinfo),
    HOSTS.test(hosts ?? "") ? hosts : "***",
    database === undefined ? "" : /^\/[\w.%~-]*$/.test(database) ? database : "/***",
    query === undefined ? "" : `?${query.slice(1).split("&").map(maskParameter).join("&")}`,
  ].join("")
}

// Greedy up to the last `@`: a password that was not encoded may hold any character.
const FORM =
  /^(?<scheme>postgres(?:ql)?:\/\/)(?<userinfo>.*@)?(?<hosts>[^/?@]*)(?<database>\/[^?]*)?(?<query>\?.*)?$/s

const HOSTS = /^(?:(?:\[[\da-fA-F:.]+(?:%[\w.-]+)?\]|[\w.%-]*)(?::\d*)?(?:,|$))*$/

/** The name up to the first colon; the rest is the password. */
function maskUser(userinfo: string): string {
  const colon = userinfo.indexOf(":")
  const user = colon < 0 ? userinfo.slice(0, -1) : userinfo.slice(0, colon)
  const shown = /^[\w.%~+-]*$/.test(user) ? user : "***"
  return colon < 0 ? `${shown}@` : `${shown}:***@`
}

function maskParameter(parameter: string): string {
  const equals = parameter.indexOf("=")
  const name = parameter.slice(0, Math.max(equals, 0))
  // Without a value it may be the end of a password that holds an `&`.
  if (equals < 0 || !/^\w*$/.test(name)) return "***"
  return PUBLIC.has(name) && /^[\w.,:%/-]*$/.test(parameter.slice(equals + 1)) ? parameter : `${name}=***`
}

/** Parameters whose values are no secret. */
const PUBLIC = new Set(
  `host hostaddr port dbname user sslmode ssl sslrootcert sslcert sslcrl sslnegotiation sslsni sslcertmode
  connect_timeout application_name target_session_attrs load_balance_hosts channel_binding gssencmode keepalives
  keepalives_idle client_encoding`.split(/\s+/),
)
