import type { IncomingHttpHeaders } from "node:http"
import type { Http2Server, ServerHttp2Stream } from "node:http2"
import { Server, type ServerCredentials, type ServerOptions } from "@grpc/grpc-js"
import { MAX_TIMER_MS } from "../async/timer.js"
import type { Admission } from "./admission.js"

/*
 * Our only use of what grpc-js does not document, beside the stream of a call in share.ts, and why: it reads `grpc-timeout` into 32
 * bits, so that 25 days and more end at once, and turns it into a time of the wall clock, which steps; and it reads every message that
 * comes, however many. So `createHttp2Server` is wrapped: a stream reaches grpc-js with its deadline noted, and once it is admitted.
 */

/** The version of grpc-js that this was tested with; package.json pins it. */
const TESTED_VERSION = "1.14.7"

/**
/** What is done with the HTTP/2 servers that grpc-js makes, and their streams. */
export interface Http2Edge {
  /** Lets streams in; without it each is let in at once. */
  admission?: Admission
  /** Gets each server. */
  onServer?: (server: Http2Server) => void
}

/**
 * A grpc-js server whose calls have their deadline by the monotonic clock, see {@link deadlineOf}, may have one of any length, and
 * begin when they are admitted. Throws an Error if grpc-js lacks the internal that this needs.
 */
export function createGrpcServer(
  options: ServerOptions = {},
  { admission, onServer }: Http2Edge = {},
): Server {
  const server = new Server(options)
  const internals = server as unknown as {
    createHttp2Server?: (credentials: ServerCredentials) => Http2Server
  }
  const create = internals.createHttp2Server
  if (typeof create !== "function")
    throw new Error(
      `grpc-js lacks createHttp2Server, which this server needs: install version ${TESTED_VERSION}`,
    )
  internals.createHttp2Server = (credentials) => {
    const made = create.call(server, credentials)
    onServer?.(made)
    return admitting(made, admission)
  }
  return server
}

type OnStream = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  raw: string[],
) => void

/** The same server, whose listener gets a stream with its deadline noted, and once it is admitted. */
function admitting(http2Server: Http2Server, admission: Admission | undefined): Http2Server {
  const [listener] = http2Server.listeners("stream") as [OnStream]
  http2Server.removeAllListeners("stream")
  return http2Server.on("stream", ((stream, headers, flags, raw) => {
    // Before grpc-js has it, or never, a reset with an error code would be nobody's error and end the process.
    stream.on("error", ignore)
    noteDeadline(headers)
    const room = admission?.admit(stream, headers)
    if (room === undefined) return listener(stream, headers, flags, raw)
    void room.then((admitted) => {
      if (!admitted) return
      renewTimeout(headers)
      listener(stream, headers, flags, raw)
    })
  }) as OnStream)
}

const ignore = () => undefined

/** When a call must have ended, by `performance.now()`; Infinity if its caller set no deadline. */
export function deadlineOf(metadata: { get(key: string): (string | Buffer)[] }): number {
  const [noted] = metadata.get(DEADLINE)
  return noted === undefined ? Number.POSITIVE_INFINITY : Number(noted)
}

/** The header in which the deadline reaches the call; a caller's own is removed. */
const DEADLINE = "trust-registry-deadline"

function noteDeadline(headers: IncomingHttpHeaders): void {
  delete headers[DEADLINE]
  const given = headers["grpc-timeout"]
  if (given === undefined) return
  const ms = timeoutMsOf(String(given))
  if (ms === undefined) {
    // grpc-js would take "1234567890S" for 34567890 seconds. It refuses this.
    headers["grpc-timeout"] = "malformed"
    return
  }
  headers[DEADLINE] = String(performance.now() + ms)
  // No process runs on for so long that it would matter: unary calls have the server's own limit.
  // grpc-js would let a timer of it fire at once.
  if (ms > MAX_TIMER_MS) delete headers["grpc-timeout"]
}

/** grpc-js counts the timeout from when it gets the call, which may have waited. */
function renewTimeout(headers: IncomingHttpHeaders): void {
  const noted = headers[DEADLINE]
  if (noted === undefined || headers["grpc-timeout"] === undefined) return
  const ms = Math.max(0, Math.ceil(Number(noted) - performance.now()))
  // Eight digits are the most, and a day more or less is no matter.
  if (ms < 1e8) headers["grpc-timeout"] = `${ms}m`
}

/** The milliseconds that a `grpc-timeout` says; undefined for what is none. */
function timeoutMsOf(text: string): number | undefined {
  const { count, unit = "" } = /^(?<count>\d{1,8})(?<unit>[HMSmun])$/.exec(text)?.groups ?? {}
  const unitMs = UNITS_MS[unit]
  return count === undefined || unitMs === undefined ? undefined : Number(count) * unitMs
}

const UNITS_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
}
