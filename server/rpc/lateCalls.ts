import { constants, type ServerHttp2Stream } from "node:http2"
import { ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../errors.js"
import { shareOn } from "./share.js"
import { registryErrorOf, statusOf } from "./status.js"

/** How long a request that does not arrive, or an answer that nobody reads, is kept while others wait for its memory. */
const PATIENCE_MS = 5_000

/** Ends the calls that hold memory without end: whose request does not become whole, and whose answer nobody reads. */
export function endLateCalls(
  open: Iterable<ServerHttp2Stream>,
  { full, callTimeoutMs }: { full: boolean; callTimeoutMs: number },
): void {
  const now = performance.now()
  const patientSince = now - (full ? Math.min(PATIENCE_MS, callTimeoutMs) : callTimeoutMs)
  for (const stream of open) {
    const share = shareOn(stream)
    if (!share) continue
    const { handled, startedAt, unreadSince, isStream, receiving } = share
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
  if (!stream.headersSent) {
    const { code, details = "", metadata } = statusOf(registryErrorOf(thrown))
    const headers = { ":status": 200, "content-type": "application/grpc+proto", "grpc-status": code }
    stream.respond(
      { ...headers, "grpc-message": encodeURI(details), ...metadata?.toHttp2Headers() },
      { endStream: true },
    )
  }
  stream.close(constants.NGHTTP2_NO_ERROR)
}

function late() {
  return new RegistryError(ErrorReason.DEADLINE_EXCEEDED, "the request did not arrive whole in time")
}
