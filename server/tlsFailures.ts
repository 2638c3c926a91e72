import type { Socket } from "node:net"
import type { TLSSocket } from "node:tls"
import type { Log } from "./log.js"

/** What a server emits about TLS, which servers without it never do. */
export interface TlsEvents {
  on(event: "connection", listener: (socket: Socket) => void): unknown
  on(event: "tlsClientError", listener: (error: NodeJS.ErrnoException, socket: TLSSocket) => void): unknown
}

/**
 * Logs TLS handshakes that fail, each reason once in ten seconds with the number of times, since anybody who reaches the port can cause
 * them. A caller learns nothing but that the connection is gone.
 *
 * @param failed called for each
 */
export function watchHandshakes(server: TlsEvents, log: Log, failed: () => void): void {
  const seen = new Map<string, { count: number; toldAt: number }>()
  // Node knows the address of a connection that is gone only if it was read before.
  server.on("connection", (socket) => void socket.remoteAddress)
  server.on("tlsClientError", (error, socket) => {
    failed()
    const reason = reasonOf(error, socket)
    // The reasons are OpenSSL's: a few dozen.
    const ofReason = seen.get(reason) ?? { count: 0, toldAt: Number.NEGATIVE_INFINITY }
    seen.set(reason, ofReason)
    ofReason.count++
    if (performance.now() - ofReason.toldAt < EVERY_MS) return
    // A probe of the port, or a client that gave up, is none of ours.
    const level = reason === "ECONNRESET" ? "debug" : "warn"
    log[level]({ reason, count: ofReason.count, peer: peerOf(socket) }, "TLS handshake failed")
    ofReason.count = 0
    ofReason.toldAt = performance.now()
  })
}

const EVERY_MS = 10_000

/** The connection beneath is no documented property; without it, the log names no peer. */
function peerOf(socket: TLSSocket): string | undefined {
  return (socket as { _parent?: Socket })._parent?.remoteAddress
}

/** Why the caller's certificate was refused, or else what broke the handshake, in OpenSSL's words. */
function reasonOf(error: NodeJS.ErrnoException, { authorizationError }: TLSSocket): string {
  // Null until the certificate was looked at, whatever the types say.
  const refused: unknown = authorizationError
  return String(refused || error.code || error.message)
}
