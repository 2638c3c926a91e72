import { once } from "node:events"
import * as http2 from "node:http2"

/** A bare HTTP/2 connection that sends gRPC as no library would: requests that never end, answers that nobody reads. */
export interface RawConnection {
  /**
   * Opens a call and sends these bytes as they are. Its answer stays unread unless `read` is set.
   *
   * @param end whether the request ends there
   */
  send(path: string, bytes: Uint8Array, options?: { end?: boolean; gzip?: boolean; read?: boolean }): RawCall
  close(): void
}

/** A call of a raw connection. */
export interface RawCall {
  readonly stream: http2.ClientHttp2Stream
  /** The `grpc-status` once the server has ended the call; undefined if it reset the stream. */
  readonly status: Promise<number | undefined>
  /** Whether the server ended the call. */
  readonly ended: boolean
}

/** Connects to the address of a server without TLS. */
export async function connectRaw(address: string): Promise<RawConnection> {
  const session = http2.connect(`http://${address}`)
  session.on("error", () => undefined)
  await once(session, "connect")
  return {
    send(path, bytes, { end = true, gzip = false, read = false } = {}) {
      const headers = { "content-type": "application/grpc", te: "trailers", ":method": "POST", ":path": path }
      const stream = session.request(gzip ? { ...headers, "grpc-encoding": "gzip" } : headers)
      stream.on("error", () => undefined)
      if (end) stream.end(bytes)
      else stream.write(bytes)
      if (read) stream.resume()
      return callOf(stream)
    },
    close: () => session.destroy(),
  }
}

function callOf(stream: http2.ClientHttp2Stream): RawCall {
  let found: number | undefined
  let ended = false
  const note = (headers: http2.IncomingHttpHeaders) => {
    const status = headers["grpc-status"]
    if (status !== undefined) found = Number(status)
    if (found !== undefined) ended = true
  }
  stream.on("response", note)
  stream.on("trailers", note)
  const status = new Promise<number | undefined>((resolve) => {
    const look = () => {
      if (found !== undefined) resolve(found)
    }
    stream.on("response", look)
    stream.on("trailers", look)
    stream.once("close", () => {
      ended = true
      resolve(found)
    })
  })
  return {
    stream,
    status,
    get ended() {
      return ended
    },
  }
}

/** A message in gRPC's framing. */
export function framed(message: Uint8Array, compressed = false): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt8(compressed ? 1 : 0, 0)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}
