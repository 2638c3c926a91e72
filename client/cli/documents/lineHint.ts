import { status } from "@grpc/grpc-js"
import type { TrustStoreError } from "../../errors.js"

/** What a failed call says, with what to do about it in front where the line, not the registry, is at fault. */
export function messageWithHint({ code, message }: TrustStoreError): string {
  if (code !== status.UNAVAILABLE && code !== status.DEADLINE_EXCEEDED) return message
  const hint = HINTS.find(([pattern]) => pattern.test(message))?.[1]
  return hint ? `${hint} (${message.replace(/\s+/g, " ").trim()})` : message
}

/** By what OpenSSL, Node and grpc-js say. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /wrong version number|packet length too long/i,
    "the registry speaks no TLS: leave out the --tls flags, and say --insecure beyond this machine",
  ],
  [
    /certificate required|alert number 116/i,
    "the registry wants a certificate of its callers: --tls-cert FILE, --tls-key FILE",
  ],
  [
    /unable to verify the first|self.signed certificate|unable to get (local )?issuer/i,
    "the registry's certificate is of no authority that is trusted: --tls-ca FILE",
  ],
  [/does not match certificate's altnames/i, "the registry's certificate is for other addresses"],
  // The line was opened and closed again: all that a TLS port does with what is none.
  [
    /Last error: Failed to connect \(/,
    "what answers there does not speak gRPC in the clear; if it speaks TLS: --tls-ca FILE, or --tls",
  ],
]
