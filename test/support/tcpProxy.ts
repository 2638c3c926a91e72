import type { AddressInfo } from "node:net"
import { connect, createServer, type Socket } from "node:net"

/** A line to a port of loopback, or to a socket in a folder, that can be broken on purpose. */
export interface TcpProxy {
  readonly port: number
  /** How many lines were opened so far. */
  readonly opened: number
  /** Those that are open. */
  readonly lines: readonly ProxyLine[]
  /** Where new lines lead from now on. */
  retarget(target: number | string): void
  /** The lines that are open pass nothing on any more and say nothing of it; new ones work. */
  freeze(): void
  /** The same for what the target answers alone: it still hears all. */
  freezeAnswers(): void
  /** As `freeze`, and new lines are no better. */
  darken(): void
  /** Delivers what was held back since. */
  thaw(): void
  close(): void
}

/** One line through a proxy. */
export interface ProxyLine {
  /** Passes nothing on any more, in one direction or in both, and says nothing of it. */
  freeze(direction?: "there" | "back"): void
  /** Delivers what was held back since. */
  thaw(): void
  /** Delivers everything so many milliseconds late, in order; 0: at once again. */
  delay(ms: number): void
  /** Breaks it off at both ends. What is on its way is lost. */
  cut(): void
}

/** Starts a proxy on a free port of loopback to another port, or to the path of a socket. */
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

/** One direction of a line. What is held back is read all the same: a peer that gives up would take it back otherwise. */
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
