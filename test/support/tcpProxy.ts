import type { AddressInfo } from "node:net"
import { connect, createServer, type Socket } from "node:net"

/** A line to a port of loopback that can be broken on purpose. */
export interface TcpProxy {
  readonly port: number
  /** How many lines were opened so far. */
  readonly opened: number
  /** The lines that are open pass nothing on any more and say nothing of it; new ones work. */
  freeze(): void
  close(): void
}

/** Starts a proxy on a free port of loopback to another. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let opened = 0
  const server = createServer((near) => {
    opened++
    const far = connect(target, "127.0.0.1")
    near.pipe(far).pipe(near)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on("error", () => socket.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    port: (server.address() as AddressInfo).port,
    get opened() {
      return opened
    },
    freeze() {
      for (const socket of sockets) socket.unpipe().pause()
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
