import { type ConnectionFault, connectionFault } from "../../connectionFault.js"
import type { TrustStoreError } from "../../errors.js"

/** Returns the message of a failed call. If the connection is at fault, a hint of what to do comes first. */
export function messageWithHint(error: TrustStoreError): string {
  const fault = connectionFault(error)
  return fault ? `${HINTS[fault]} (${error.message.replace(/\s+/g, " ").trim()})` : error.message
}

const HINTS: Readonly<Record<ConnectionFault, string>> = {
  "server without TLS":
    "the registry does not use TLS: omit the --tls flags, and add --insecure if it is on another machine",
  "client certificate": "the registry requires a client certificate: use --tls-cert FILE and --tls-key FILE",
  "untrusted authority": "the registry's certificate is not from a trusted authority: use --tls-ca FILE",
  "wrong host name": "the registry's certificate is for other host names",
  "server may use TLS":
    "the server does not accept gRPC without TLS: if it uses TLS, use --tls-ca FILE or --tls",
}
