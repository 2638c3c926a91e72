import type { AddressInfo } from "node:net"
import { connect, createServer, type Socket } from "node:net"

/** A line to a port of loopback, or to a socket in a folder, that can be broken on purpose. */
export interface TcpProxy {
  readonly port: number
  /** How many lines were opened so far. */
  readonly opened: number
  /** The lines that are open pass nothing on any more and say nothing of it; new ones work. */
  freeze(): void
  /** The same for what the target answers alone: it still hears all. */
  freezeAnswers(): void
  /** Delivers what was held back since. */
  thaw(): void
  close(): void
}

/** Starts a proxy on a free port of loopback to another port, or to the path of a socket. */
export async function startTcpProxy(target: number | string): Promise<TcpProxy> {
  const ways = new Set<Way>()
  const answers = new Set<Way>()
  let opened = 0
  const server = createServer({ allowHalfOpen: true }, (near) => {
    opened++
    const far = connect({
      ...(typeof target === "number" ? { port: target, host: "127.0.0.1" } : { path: target }),
      allowHalfOpen: true,
    })
    const answer = passOn(far, near)
    ways.add(passOn(near, far)).add(answer)
    answers.add(answer)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    port: (server.address() as AddressInfo).port,
    get opened() {
      return opened
    },
    freeze() {
      for (const way of ways) way.freeze()
    },
    freezeAnswers() {
      for (const way of answers) way.freeze()
    },
    thaw() {
      for (const way of ways) way.thaw()
    },
    close() {
      for (const { from } of ways) from.destroy()
      server.close()
    },
  }
}

type Way = ReturnType<typeof passOn>

/** One direction of a line. What is held back is read all the same: a peer that gives up would take it back otherwise. */
function passOn(from: Socket, to: Socket) {
  let held: (() => void)[] | undefined
  const pass = (step: () => unknown) => (held ? held.push(step) : step())
  from.on("data", (chunk) => pass(() => to.write(chunk)))
  from.on("end", () => pass(() => to.end()))
  from.on("error", () => pass(() => to.destroy()))
  return {
    from,
    freeze() {
      held ??= []
    },
    thaw() {
      const steps = held ?? []
      held = undefined
      for (const step of steps) step()
    },
  }
}
