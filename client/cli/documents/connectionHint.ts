import { type ConnectionFault, connectionFault } from "../../connectionFault.js"
import type { TrustStoreError } from "../../errors.js"

/** What a failed call says, with what to do about it in front where the line, not the registry, is at fault. */
export function messageWithHint(error: TrustStoreError): string {
  const fault = connectionFault(error)
  return fault ? `${HINTS[fault]} (${error.message.replace(/\s+/g, " ").trim()})` : error.message
}

const HINTS: Readonly<Record<ConnectionFault, string>> = {
  "no TLS there":
    "the registry speaks no TLS: leave out the --tls flags, and say --insecure beyond this machine",
  "our certificate": "the registry wants a certificate of its callers: --tls-cert FILE, --tls-key FILE",
  "its authority": "the registry's certificate is of no authority that is trusted: --tls-ca FILE",
  "its name": "the registry's certificate is for other addresses",
  "perhaps TLS there":
    "what answers there does not speak gRPC in the clear; if it speaks TLS: --tls-ca FILE, or --tls",
}
