import { X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import { hasPort } from "../../address.js"
import { connect, type TrustRegistry } from "../../connect.js"
import type { CallOptions } from "../../options.js"
import type { Flag, Values } from "../command.js"
import { UsageError } from "../usage.js"
import { COUNT } from "./bounds.js"

/** The address of the registry unless a flag or TRUST_REGISTRY_ADDRESS names another. */
export const DEFAULT_ADDRESS = "127.0.0.1:50051"

/** Flags of every command. */
export const GENERAL_FLAGS = {
  json: { type: "boolean", help: "print JSON, one object a line, for programs" },
  help: { type: "boolean", short: "h", help: "print this help" },
} as const satisfies Record<string, Flag>

/** Flags of every command that connects to a registry. */
export const CONNECTION_FLAGS = {
  address: {
    type: "string",
    value: "HOST:PORT",
    help: `the registry (default: TRUST_REGISTRY_ADDRESS, else ${DEFAULT_ADDRESS})`,
  },
  tls: { type: "boolean", help: "use TLS, the default for other machines" },
  "tls-ca": {
    type: "string",
    value: "FILE",
    help: "trust these certificate authorities (PEM) instead of the default ones",
  },
  "tls-cert": { type: "string", value: "FILE", help: "the client certificate (PEM)" },
  "tls-key": { type: "string", value: "FILE", help: "the private key of that certificate (PEM)" },
  insecure: { type: "boolean", help: "connect to another machine without TLS" },
  "timeout-ms": {
    type: "string",
    value: "N",
    bounds: COUNT,
    help: "deadline of a call in milliseconds (default: 5000)",
  },
} as const satisfies Record<string, Flag>

/** Connects to the registry that the flags name. */
export function connectBy(
  values: Values<typeof CONNECTION_FLAGS>,
  env: NodeJS.ProcessEnv,
  defaults: Pick<CallOptions, "timeoutMs"> = {},
): TrustRegistry {
  const address = values.address ?? (env.TRUST_REGISTRY_ADDRESS || DEFAULT_ADDRESS)
  if (!hasPort(address))
    throw new UsageError(`invalid address ${address}: it must be HOST:PORT, without http://`)
  const files = { ca: pem(values, "tls-ca"), cert: pem(values, "tls-cert"), key: pem(values, "tls-key") }
  const named = files.ca ?? files.cert ?? files.key
  const timeoutMs = countOf(values, "timeout-ms") ?? defaults.timeoutMs
  try {
    return connect(address, { timeoutMs, tls: named ? files : values.tls, insecure: values.insecure })
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/** The count that a flag gives, within its bounds. */
export function countOf<Name extends string>(
  values: { [K in Name]?: string },
  name: Name,
): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  return Number(text)
}

/** The revision that a flag gives, within its bounds. */
export function revisionOf<Name extends string>(
  values: { [K in Name]?: string },
  name: Name,
): bigint | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  return BigInt(text)
}

function pem(values: Values<typeof CONNECTION_FLAGS>, name: "tls-ca" | "tls-cert" | "tls-key") {
  const file = values[name]
  if (file === undefined) return undefined
  const text = readPem(name, file)
  // OpenSSL skips what is not a certificate, and then trusts nobody.
  if (name !== "tls-key" && !holdsCertificate(text)) {
    throw new UsageError(`--${name} ${file} contains no certificate in PEM`)
  }
  return text
}

function readPem(name: string, file: string) {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new UsageError(`cannot read --${name} ${file}`, { cause })
  }
}

function holdsCertificate(text: Buffer) {
  try {
    return text.includes("-----BEGIN") && new X509Certificate(text).subject !== undefined
  } catch {
    return false
  }
}
