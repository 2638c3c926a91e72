import { connect, type Socket } from "node:net"

/** A connection with just enough HTTP/2 (RFC 9113) for unary gRPC calls with prepared bodies. */
export interface Line {
  /** Sends a call; `done` receives whether it succeeded. */
  call(body: Buffer, done: (ok: boolean) => void): void
  /** Writes all calls sent since the last flush, so that calls of one turn go out together. */
  flush(): void
  close(): void
}

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1")
const FRAME_HEAD = 9
const MAX_FRAME = 16_384
const DATA = 0
const HEADERS = 1
const RST_STREAM = 3
const SETTINGS = 4
const PING = 6
const GOAWAY = 7
const WINDOW_UPDATE = 8
const END_STREAM = 1
const ACK = 1
const END_HEADERS = 4
const DEFAULT_WINDOW = 65_535
/** The flow-control window granted to the peer, on the connection and on each stream. */
const OUR_WINDOW = 2 ** 30
/** Most calls open at once; the rest wait here, because servers refuse more (ours above 1,000). */
const MAX_OPEN = 500
/** The connection's window is renewed after this many received bytes. */
const REOPEN = 2 ** 28

/**
 * Opens a connection for unary calls of one method. The trailers of the first answer are trusted, and all other answers must
 * have the same, byte for byte: without a header table (we disable it), a server encodes equal headers equally.
 *
 * @param path `/package.Service/Method`
 */
export async function openLine(host: string, port: number, path: string): Promise<Line> {
  const socket = await connected(host, port)
  const head = requestHeaders(`${host}:${port}`, path)
  const waiting = new Map<number, (ok: boolean) => void>()
  const queue: [body: Buffer, done: (ok: boolean) => void][] = []
  const held: Buffer[] = []
  let nextStream = 1
  let sendWindow = DEFAULT_WINDOW
  let received = 0
  let good: Buffer | undefined
  let out: Buffer[] = [
    PREFACE,
    ourSettings(),
    frame(WINDOW_UPDATE, 0, 0, uint32(OUR_WINDOW - DEFAULT_WINDOW)),
  ]

  const flush = () => {
    if (out.length === 0) return
    socket.write(out.length === 1 ? (out[0] as Buffer) : Buffer.concat(out))
    out = []
  }
  const release = () => {
    while (held.length > 0 && (held[0] as Buffer).length - FRAME_HEAD <= sendWindow) {
      const next = held.shift() as Buffer
      sendWindow -= next.length - FRAME_HEAD
      out.push(next)
    }
  }
  const open = (body: Buffer, done: (ok: boolean) => void) => {
    const stream = nextStream
    nextStream += 2
    waiting.set(stream, done)
    out.push(frame(HEADERS, END_HEADERS, stream, head))
    for (let at = 0; at < body.length; at += MAX_FRAME) {
      const end = at + MAX_FRAME >= body.length
      held.push(frame(DATA, end ? END_STREAM : 0, stream, body.subarray(at, at + MAX_FRAME)))
    }
    release()
  }
  const finish = (stream: number, ok: boolean) => {
    const done = waiting.get(stream)
    waiting.delete(stream)
    const next = queue.shift()
    if (next) open(...next)
    done?.(ok)
  }
  const isGood = (trailers: Buffer) => {
    good ??= Buffer.from(trailers)
    return good.equals(trailers)
  }

  const take = (type: number, flags: number, stream: number, payload: Buffer) => {
    switch (type) {
      case DATA:
        received += payload.length
        if (flags & END_STREAM) finish(stream, false)
        break
      case HEADERS:
        if (flags & END_STREAM) finish(stream, isGood(payload))
        break
      case RST_STREAM:
        finish(stream, false)
        break
      case SETTINGS:
        if (!(flags & ACK)) out.push(frame(SETTINGS, ACK, 0, EMPTY))
        break
      case PING:
        if (!(flags & ACK)) out.push(frame(PING, ACK, 0, payload))
        break
      case WINDOW_UPDATE:
        if (stream === 0) sendWindow += payload.readUInt32BE(0)
        break
      case GOAWAY:
        socket.destroy(new Error("the server sent GOAWAY"))
    }
  }

  readFrames(socket, take, () => {
    if (received > REOPEN) {
      out.push(frame(WINDOW_UPDATE, 0, 0, uint32(received)))
      received = 0
    }
    release()
    flush()
  })
  socket.on("close", () => {
    for (const [, done] of queue.splice(0)) done(false)
    for (const stream of [...waiting.keys()]) finish(stream, false)
  })
  flush()
  return {
    call(body, done) {
      if (socket.destroyed) setImmediate(done, false)
      else if (waiting.size < MAX_OPEN) open(body, done)
      else queue.push([body, done])
    },
    flush,
    close: () => socket.destroy(),
  }
}

const EMPTY = Buffer.alloc(0)

function connected(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true })
    socket.once("connect", () => {
      socket.off("error", reject)
      // The error is reported by the calls, which all fail.
      socket.on("error", () => undefined)
      resolve(socket)
    })
    socket.once("error", reject)
  })
}

/** Calls `take` for every complete frame, and `turn` after the last one received so far. */
function readFrames(
  socket: Socket,
  take: (type: number, flags: number, stream: number, payload: Buffer) => void,
  turn: () => void,
) {
  let rest: Buffer = EMPTY
  socket.on("data", (chunk: Buffer) => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    let at = 0
    while (bytes.length - at >= FRAME_HEAD) {
      const length = bytes.readUIntBE(at, 3)
      const end = at + FRAME_HEAD + length
      if (end > bytes.length) break
      const stream = bytes.readUInt32BE(at + 5) & 0x7fffffff
      take(bytes[at + 3] as number, bytes[at + 4] as number, stream, bytes.subarray(at + FRAME_HEAD, end))
      at = end
    }
    rest = bytes.subarray(at)
    turn()
  })
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEAD + payload.length)
  bytes.writeUIntBE(payload.length, 0, 3)
  bytes[3] = type
  bytes[4] = flags
  bytes.writeUInt32BE(stream, 5)
  payload.copy(bytes, FRAME_HEAD)
  return bytes
}

/** Settings without header table and push, and with a window that practically never closes. */
function ourSettings() {
  const settings: [number, number][] = [
    [1, 0],
    [2, 0],
    [4, OUR_WINDOW],
  ]
  return frame(SETTINGS, 0, 0, Buffer.concat(settings.flatMap(([id, value]) => [uint16(id), uint32(value)])))
}

/** HPACK (RFC 7541) with unindexed literals, so that the bytes are the same for every call. */
function requestHeaders(authority: string, path: string) {
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value, "latin1")])
  return Buffer.concat([
    Buffer.from([0x83, 0x86]), // :method POST, :scheme http
    Buffer.from([0x04]), // :path
    text(path),
    Buffer.from([0x01]), // :authority
    text(authority),
    Buffer.from([0x0f, 0x10]), // content-type, the 31st of the static table
    text("application/grpc"),
    Buffer.from([0x00]),
    text("te"),
    text("trailers"),
  ])
}

function uint32(value: number) {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function uint16(value: number) {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}
