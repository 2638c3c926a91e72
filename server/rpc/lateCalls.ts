import { constants, type ServerHttp2Stream } from "node:http2"
import { ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../errors.js"
import type { Share } from "./share.js"
import { registryErrorOf, statusOf } from "./status.js"

/** How long a request that does not arrive, or an answer that nobody reads, is kept while others wait for its memory. */
const PATIENCE_MS = 5_000

/** Ends the calls that hold memory without end: whose request does not become whole, and whose answer nobody reads. */
export function endLateCalls(
  open: readonly Share[],
  { full, callTimeoutMs }: { full: boolean; callTimeoutMs: number },
): void {
  const now = performance.now()
  const patientSince = now - (full ? Math.min(PATIENCE_MS, callTimeoutMs) : callTimeoutMs)
  // A copy: a stream may close at once.
  for (const { stream, handled, startedAt, unreadSince, isStream, receiving } of [...open]) {
    if (unreadSince > 0 && unreadSince < patientSince && (full || !isStream)) {
      // Nothing more can be said to who does not read. gRPC's libraries show it as RESOURCE_EXHAUSTED.
      stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    } else if (receiving?.paused) continue
    else if (!handled && startedAt < patientSince) refuseCall(stream, late())
    else if ((receiving?.stalledSince ?? now) < patientSince) stream.close(constants.NGHTTP2_CANCEL)
  }
}

/** Ends a call with an error before its request is whole. What still comes of it is not read. */
export function refuseCall(stream: ServerHttp2Stream, thrown: unknown): void {
  if (stream.destroyed || stream.closed) return
  const end = () => {
    stream.close(constants.NGHTTP2_NO_ERROR)
    // A stream that is paused, with bytes that nobody reads, would never close.
    stream.destroy()
  }
  if (stream.headersSent) end()
  else {
    const { code, details = "", metadata } = statusOf(registryErrorOf(thrown))
    const headers = { ":status": 200, "content-type": "application/grpc+proto", "grpc-status": code }
    stream.respond(
      { ...headers, "grpc-message": encodeURI(details), ...metadata?.toHttp2Headers() },
      { endStream: true },
    )
    // grpc-js may have its own answer for the call, and Node throws where a stream is answered twice.
    stream.respond = () => undefined
    // At once, it would overtake the status and replace it.
    setTimeout(end, LINGER_MS).unref()
  }
}

const LINGER_MS = 250

function late() {
  return new RegistryError(ErrorReason.DEADLINE_EXCEEDED, "the request did not arrive whole in time")
}
