import type { ServerCall } from "./handlers.js"

/**
 * Who calls, as recorded with each change: `cert:CN=…` for the subject of a verified TLS client certificate, else `peer:` and
 * the address without the port, which differs from connection to connection.
 */
export function actorOf(call: Pick<ServerCall, "getAuthContext" | "getPeer">): string {
  const certificate = call.getAuthContext().sslPeerCertificate
  if (!certificate) return `peer:${addressOf(call.getPeer())}`
  const parts = Object.entries(certificate.subject).flatMap(([name, value]) =>
    [value].flat().map((text) => `${name}=${escapePart(String(text))}`),
  )
  return `cert:${parts.join(",")}`
}

/** The peer without its port. An IPv4 address on a dual-stack socket is written as IPv4. */
export function addressOf(peer: string): string {
  return peer.replace(/:\d+$/, "").replace(/^::ffff:(?=\d+\.)/i, "")
}

/** As in RFC 4514, so that a name with a comma does not read like two. */
function escapePart(text: string) {
  return text.replace(/[,+="\\<>;]/g, "\\$&")
}
