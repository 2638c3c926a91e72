import type { AddressInfo } from "node:net"
import { connect, createServer, type Socket } from "node:net"

/** A proxy to a loopback port or a Unix socket, whose connections can be broken on purpose. */
export interface TcpProxy {
  readonly port: number
  /** The number of connections opened so far. */
  readonly opened: number
  /** The open connections. */
  readonly lines: readonly ProxyLine[]
  /** Directs new connections to another target. */
  retarget(target: number | string): void
  /** Silently stops open connections from forwarding; new ones work. */
  freeze(): void
  /** Freezes only the direction from the target. */
  freezeAnswers(): void
  /** Freezes open and new connections. */
  darken(): void
  /** Delivers what was held back, and resumes forwarding. */
  thaw(): void
  close(): void
}

/** One connection through a proxy. */
export interface ProxyLine {
  /** Silently stops forwarding, in one direction or both. */
  freeze(direction?: "there" | "back"): void
  /** Delivers what was held back, and resumes forwarding. */
  thaw(): void
  /** Delays delivery by `ms` milliseconds, in order; 0 stops the delay. */
  delay(ms: number): void
  /** Closes both ends. Data in transit is lost. */
  cut(): void
}

/** Starts a proxy on a free loopback port to another port, or to a socket's path. */
export async function startTcpProxy(target: number | string): Promise<TcpProxy> {
  const lines = new Set<ProxyLine>()
  let opened = 0
  let dark = false
  const server = createServer({ allowHalfOpen: true }, (near) => {
    opened++
    const far = connect({
      ...(typeof target === "number" ? { port: target, host: "127.0.0.1" } : { path: target }),
      allowHalfOpen: true,
    })
    const line = joinedBy(near, far)
    lines.add(line)
    if (dark) line.freeze()
    const open = new Set([near, far])
    for (const end of [near, far])
      end.once("close", () => open.delete(end) && open.size === 0 && lines.delete(line))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    port: (server.address() as AddressInfo).port,
    get opened() {
      return opened
    },
    get lines() {
      return [...lines]
    },
    retarget(other) {
      target = other
    },
    freeze() {
      for (const line of lines) line.freeze()
    },
    freezeAnswers() {
      for (const line of lines) line.freeze("back")
    },
    darken() {
      dark = true
      for (const line of lines) line.freeze()
    },
    thaw() {
      dark = false
      for (const line of lines) line.thaw()
    },
    close() {
      for (const line of lines) line.cut()
      server.close()
    },
  }
}

function joinedBy(near: Socket, far: Socket): ProxyLine {
  const there = passOn(near, far)
  const back = passOn(far, near)
  return {
    freeze(direction) {
      if (direction !== "back") there.freeze()
      if (direction !== "there") back.freeze()
    },
    thaw() {
      there.thaw()
      back.thaw()
    },
    delay(ms) {
      there.delay(ms)
      back.delay(ms)
    },
    cut() {
      near.destroy()
      far.destroy()
    },
  }
}

/** Forwards one direction. Reads even while frozen, or a peer that gives up could take back what it has sent. */
function passOn(from: Socket, to: Socket) {
  const held: { due: number; step: () => unknown }[] = []
  let frozen = false
  let lateMs = 0
  let timer: NodeJS.Timeout | undefined
  const deliver = () => {
    clearTimeout(timer)
    for (let next = held[0]; next && !frozen; next = held[0]) {
      const wait = next.due - performance.now()
      if (wait > 0) {
        timer = setTimeout(deliver, wait)
        return
      }
      held.shift()
      next.step()
    }
  }
  const pass = (step: () => unknown) => {
    held.push({ due: performance.now() + lateMs, step })
    deliver()
  }
  from.on("data", (chunk) => pass(() => to.write(chunk)))
  from.on("end", () => pass(() => to.end()))
  from.on("error", () => pass(() => to.destroy()))
  return {
    freeze() {
      frozen = true
    },
    thaw() {
      frozen = false
      deliver()
    },
    delay(ms: number) {
      lateMs = ms
    },
  }
}
