import { wordOf } from "./parameters.js"
import type { Encryption } from "./target.js"

/** The encryption that parameters of a connection string ask for. Throws an Error for those that contradict each other. */
export function encryptionOf(given: ReadonlyMap<string, string>): Encryption {
  const of = (name: string) => given.get(name) ?? ""
  const rootCert = of("sslrootcert")
  const asked = wordOf(given, "sslmode", MODES, rootCert === "system" ? "verify-full" : "prefer")
  if (rootCert === "system" && asked !== "verify-full")
    throw new Error("a URL with sslmode=verify-full beside sslrootcert=system")
  if (asked.startsWith("verify") && rootCert === "")
    throw new Error(
      `a URL with sslrootcert beside sslmode=${asked}: the path of the authority's certificate, or system`,
    )
  // As libpq: a root that was given is checked against.
  const mode = asked === "require" && rootCert !== "" ? "verify-ca" : asked
  const direct = wordOf(given, "sslnegotiation", ["postgres", "direct"], "postgres") === "direct"
  if (direct && (mode === "disable" || mode === "prefer"))
    throw new Error("a URL with sslmode=require or a stricter one beside sslnegotiation=direct")
  const withCert = wordOf(given, "sslcertmode", ["allow", "disable"], "allow") === "allow"
  if (withCert && (of("sslcert") === "") !== (of("sslkey") === ""))
    throw new Error("a URL with sslcert and sslkey together, or without both")
  return {
    mode,
    direct,
    sendsName: wordOf(given, "sslsni", ["0", "1"], "1") === "1",
    rootCert,
    crl: of("sslcrl"),
    cert: withCert ? of("sslcert") : "",
    key: withCert ? of("sslkey") : "",
    keyPassword: of("sslpassword"),
    minVersion: wordOf(given, "ssl_min_protocol_version", VERSIONS, "TLSv1.2"),
    maxVersion: wordOf(given, "ssl_max_protocol_version", VERSIONS, "TLSv1.3"),
  }
}

// Without `allow`, which tries to connect in the clear first.
const MODES = ["disable", "prefer", "require", "verify-ca", "verify-full"] as const
const VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const
