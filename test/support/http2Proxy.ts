import { once } from "node:events"
import * as http2 from "node:http2"
import type { AddressInfo } from "node:net"

/** How a proxy ends a call that it has passed on for a while. */
export type Break =
  /** With a status of its own, in trailers. */
  | { grpcStatus: number }
  /** With an HTTP status of its own, before any answer. */
  | { httpStatus: number }
  /** By resetting the stream with an HTTP/2 error code. */
  | { reset: number }
  /** By ending the whole line with GOAWAY. */
  | { goaway: number; data?: string }

/** An HTTP/2 proxy in front of a port of loopback, which ends calls as real proxies do. */
export interface Http2Proxy {
  readonly address: string
  /** How many calls came. */
  readonly calls: number
  /** How many connections came. */
  readonly sessions: number
  /** How many calls are still to be broken. */
  readonly waiting: number
  /** The next calls to these paths end so, each after `afterBytes` of its answer (0: at once). */
  breakNext(path: string, how: Break, times?: number, afterBytes?: number): void
  close(): void
}

/** Starts a proxy on a free port of loopback. */
export async function startHttp2Proxy(target: string): Promise<Http2Proxy> {
  const breaks: { path: string; how: Break; times: number; afterBytes: number }[] = []
  const upstream = http2.connect(`http://${target}`)
  upstream.on("error", () => undefined)
  const sessions = new Set<http2.ServerHttp2Session>()
  let calls = 0
  let opened = 0
  const server = http2.createServer()
  server.on("session", (session) => {
    opened++
    sessions.add(session)
    session.on("error", () => undefined)
    session.on("close", () => sessions.delete(session))
  })
  server.on("stream", (near: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    calls++
    near.on("error", () => undefined)
    const path = String(headers[":path"])
    const rule = breaks.find((rule) => path.endsWith(rule.path) && rule.times > 0)
    if (rule) rule.times--
    if (rule?.afterBytes === 0) {
      // The request is read, as by a proxy that waits for its upstream.
      near.resume()
      return breakOff(near, rule.how, false)
    }
    pass(near, headers, upstream, rule)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get calls() {
      return calls
    },
    get sessions() {
      return opened
    },
    get waiting() {
      return breaks.reduce((sum, { times }) => sum + times, 0)
    },
    breakNext(path, how, times = 1, afterBytes = 0) {
      breaks.push({ path, how, times, afterBytes })
    },
    close() {
      for (const session of sessions) session.destroy()
      upstream.destroy()
      server.close()
    },
  }
}

function pass(
  near: http2.ServerHttp2Stream,
  { ":method": method, ":path": path, ...headers }: http2.IncomingHttpHeaders,
  upstream: http2.ClientHttp2Session,
  rule: { how: Break; afterBytes: number } | undefined,
) {
  const { ":authority": _, ":scheme": __, ...rest } = headers
  const far = upstream.request({ ":method": method, ":path": path, ...rest })
  far.on("error", () => near.close(http2.constants.NGHTTP2_CANCEL))
  near.on("close", () => far.close(http2.constants.NGHTTP2_CANCEL))
  near.on("data", (chunk) => far.write(chunk))
  near.on("end", () => far.end())
  let trailers: http2.IncomingHttpHeaders = {}
  let passed = 0
  far.on("response", ({ ":status": status, ...answered }, flags) => {
    if (near.destroyed) return
    if (flags & http2.constants.NGHTTP2_FLAG_END_STREAM)
      return near.respond({ ":status": status, ...answered }, { endStream: true })
    near.respond({ ":status": status, ...answered }, { waitForTrailers: true })
    near.on("wantTrailers", () => near.sendTrailers(trailers))
  })
  far.on("trailers", (found) => (trailers = found))
  far.on("data", (chunk: Buffer) => {
    if (near.destroyed || near.writableEnded) return
    near.write(chunk)
    passed += chunk.length
    if (!rule || passed < rule.afterBytes) return
    far.removeAllListeners("data")
    far.removeAllListeners("end")
    if ("grpcStatus" in rule.how)
      trailers = { "grpc-status": String(rule.how.grpcStatus), "grpc-message": "by proxy" }
    breakOff(near, rule.how, true)
  })
  far.on("end", () => near.end())
}

function breakOff(near: http2.ServerHttp2Stream, how: Break, answered: boolean) {
  if ("grpcStatus" in how) {
    if (answered) return near.end()
    const status = { "grpc-status": String(how.grpcStatus), "grpc-message": "by proxy" }
    near.respond({ ":status": 200, "content-type": "application/grpc", ...status }, { endStream: true })
  } else if ("httpStatus" in how)
    near.respond({ ":status": how.httpStatus, "content-type": "text/plain" }, { endStream: true })
  else if ("reset" in how) near.close(how.reset)
  else {
    const { session } = near
    session?.goaway(how.goaway, 0, Buffer.from(how.data ?? ""))
    session?.destroy(undefined, how.goaway)
  }
}
