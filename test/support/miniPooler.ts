import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import type { EmbeddedConnection } from "../../server/embedded/session.js"

/**
 * A connection pooler in transaction mode, as simple as one can be: any free connection to PostgreSQL serves the next transaction of
 * any client.
 *
 * @param order which of the free connections is used next: the one that was freed last, or first
 */
export async function startMiniPooler(database: EmbeddedConnection, order: "lifo" | "fifo") {
  const free: Backend[] = []
  const sockets = new Set<Socket>()
  const take = async () =>
    (order === "lifo" ? free.pop() : free.shift()) ?? (await openBackend(database, sockets))

  const server = createServer((client) => {
    sockets.add(client.on("error", () => client.destroy()))
    let backend: Promise<Backend> | undefined
    const messages = split((message, started) => {
      if (!started) return client.write(GREETING)
      if (message[0] === TERMINATE) return client.end()
      backend ??= take().then((found) => {
        found.onMessage = (answer) => {
          client.write(answer)
          if (answer[0] !== READY || answer[5] !== IDLE) return
          backend = undefined
          free.push(found)
        }
        return found
      })
      void backend.then(({ socket }) => socket.write(message))
    })
    client.on("data", messages)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    connection: { ...database, host: "127.0.0.1", port: (server.address() as AddressInfo).port },
    async end() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Backend {
  readonly socket: Socket
  onMessage: (message: Buffer) => void
}

const [READY, IDLE, TERMINATE, KEY] = [..."ZIXK"].map((letter) => letter.charCodeAt(0))

async function openBackend(database: EmbeddedConnection, sockets: Set<Socket>): Promise<Backend> {
  const socket = connect(`${database.host}/.s.PGSQL.${database.port}`)
  sockets.add(socket.on("error", () => socket.destroy()))
  const text = `user\0${database.username}\0database\0${database.database}\0client_encoding\0UTF8\0TimeZone\0UTC\0\0`
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + text.length)
  head.writeUInt16BE(3, 4)
  socket.write(Buffer.concat([head, Buffer.from(text)]))
  return await new Promise((resolve) => {
    const backend: Backend = {
      socket,
      onMessage: (message) => message[0] === READY && resolve(backend),
    }
    const messages = split((message) => backend.onMessage(message), true)
    socket.on("data", messages)
  })
}

/** Cuts a stream into messages. The first of a client has no type. */
function split(onMessage: (message: Buffer, started: boolean) => void, started = false) {
  let pending = Buffer.alloc(0)
  return (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    for (;;) {
      const offset = started ? 1 : 0
      if (pending.length < offset + 4) return
      const end = offset + pending.readUInt32BE(offset)
      if (pending.length < end) return
      const message = pending.subarray(0, end)
      pending = pending.subarray(end)
      onMessage(message, started)
      started = true
    }
  }
}

/** Login granted, an identity of its own, ready. */
const GREETING = Buffer.from([
  ...["R".charCodeAt(0), 0, 0, 0, 8, 0, 0, 0, 0],
  ...[KEY ?? 0, 0, 0, 0, 12, 9, 9, 9, 9, 1, 2, 3, 4],
  ...[READY ?? 0, 0, 0, 0, 5, IDLE ?? 0],
])
