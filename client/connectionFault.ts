import { status } from "@grpc/grpc-js"
import type { TrustStoreError } from "./errors.js"

/** Why client and registry cannot negotiate a connection. */
export type ConnectionFault =
  | "server without TLS"
  | "client certificate"
  | "untrusted authority"
  | "wrong host name"
  | "server may use TLS"

/** Returns the fault that the messages of OpenSSL, Node and grpc-js name, or undefined if they name none. */
export function connectionFault({ code, message }: TrustStoreError): ConnectionFault | undefined {
  if (code !== status.UNAVAILABLE && code !== status.DEADLINE_EXCEEDED) return undefined
  return FAULTS.find(([pattern]) => pattern.test(message))?.[1]
}

/** Whether a retry is pointless: only other options, or another registry at the address, can fix it. */
export function isMismatch(error: TrustStoreError): boolean {
  const fault = connectionFault(error)
  return fault !== undefined && fault !== "server may use TLS"
}

const FAULTS: readonly (readonly [RegExp, ConnectionFault])[] = [
  [/wrong version number|packet length too long/i, "server without TLS"],
  [/certificate required|alert number 116/i, "client certificate"],
  [
    /unable to verify the first|self.signed certificate|unable to get (local )?issuer/i,
    "untrusted authority",
  ],
  [/does not match certificate's altnames/i, "wrong host name"],
  // The connection was opened and closed at once: how a TLS port treats plaintext, and a proxy whose registry is down.
  [/Last error: Failed to connect \(/, "server may use TLS"],
]
