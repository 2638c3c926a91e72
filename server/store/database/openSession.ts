import type { Socket } from "node:net"
import { failedSocket, openSocket } from "../../connection/openSocket.js"
import type { Target } from "../../connection/target.js"
import { prepareSession, sessionLate } from "./session.js"

/**
 * Opens a socket to the first host that takes one, with a session that is prepared while the driver logs in. Never rejects: the driver
 * would lose its place for the connection. It gets a socket that fails.
 *
 * @param closing destroys the socket
 */
export async function openSession(target: Target, closing: AbortSignal): Promise<Socket> {
  let failure: unknown
  for (const place of order(target)) {
    try {
      return await openSessionAt(target, place, closing)
    } catch (error) {
      failure = error
    }
  }
  return failedSocket(failure as Error)
}

/** The host that served last comes first, or with load_balance_hosts any. */
function order({ hosts, random, learnt }: Target): number[] {
  const first = random ? Math.floor(Math.random() * hosts.length) : learnt.host
  return hosts.map((_, index) => (first + index) % hosts.length)
}

async function openSessionAt(target: Target, place: number, closing: AbortSignal): Promise<Socket> {
  const { hosts, learnt, connectTimeoutMs: ms } = target
  // In range: it comes from the list.
  const host = hosts[place] as (typeof hosts)[number]
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(sessionLate(host, ms)), ms)
  try {
    const socket = await openSocket(target, host, AbortSignal.any([closing, late.signal]))
    const destroy = () => socket.destroy(late.signal.aborted ? late.signal.reason : undefined)
    late.signal.addEventListener("abort", destroy)
    closing.addEventListener("abort", destroy)
    socket.once("close", () => {
      clearTimeout(timer)
      closing.removeEventListener("abort", destroy)
    })
    prepareSession(socket, target, host, {
      onReady: () => {
        clearTimeout(timer)
        learnt.host = place
      },
      // Not after a wrong password: another host is asked only where this one cannot serve now.
      onRefused: (code) => {
        if (NOT_NOW.has(code)) learnt.host = (place + 1) % hosts.length
      },
    })
    return socket
  } catch (error) {
    clearTimeout(timer)
    throw error
  }
}

/** A standby, a server that is starting, and one that takes no writes. */
const NOT_NOW = new Set(["57P03", "25006"])
