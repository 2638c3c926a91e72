import { status } from "@grpc/grpc-js"
import type { TrustStoreError } from "./errors.js"

/** What is wrong between us and the registry, where the two of us do not speak in the same way. */
export type ConnectionFault =
  | "no TLS there"
  | "our certificate"
  | "its authority"
  | "its name"
  | "perhaps TLS there"

/** What is wrong with the line, by what OpenSSL, Node and grpc-js say; undefined where they do not tell. */
export function connectionFault({ code, message }: TrustStoreError): ConnectionFault | undefined {
  if (code !== status.UNAVAILABLE && code !== status.DEADLINE_EXCEEDED) return undefined
  return FAULTS.find(([pattern]) => pattern.test(message))?.[1]
}

/** Whether trying again is of no use: only other options, or another registry at the address, can mend it. */
export function isMismatch(error: TrustStoreError): boolean {
  const fault = connectionFault(error)
  return fault !== undefined && fault !== "perhaps TLS there"
}

const FAULTS: readonly (readonly [RegExp, ConnectionFault])[] = [
  [/wrong version number|packet length too long/i, "no TLS there"],
  [/certificate required|alert number 116/i, "our certificate"],
  [/unable to verify the first|self.signed certificate|unable to get (local )?issuer/i, "its authority"],
  [/does not match certificate's altnames/i, "its name"],
  // The line was opened and closed again: all that a TLS port does with what is none, and one whose registry is still away.
  [/Last error: Failed to connect \(/, "perhaps TLS there"],
]
