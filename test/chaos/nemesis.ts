import { setTimeout as sleep } from "node:timers/promises"
import type { ProxyLine, TcpProxy } from "../support/tcpProxy.js"
import type { Fleet, FleetServer } from "./fleet.js"
import type { Random } from "./random.js"

/** Injects random faults until `signal`, and resolves once all are healed. Returns the number of each fault. */
export async function unleash(
  fleet: Fleet,
  random: Random,
  byHand: (random: Random) => Promise<void>,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const done = new Map<string, number>()
  const busy = new Set<FleetServer>()
  const healing = new Set<Promise<void>>()
  /** Limits a server to one process fault at a time; faults of connections and sessions come on top. */
  const alone = (fault: (server: FleetServer, random: Random) => Promise<void>) => async (choice: Random) => {
    const server = choice.pick(fleet.servers)
    if (busy.has(server)) return
    busy.add(server)
    await fault(server, choice).finally(() => busy.delete(server))
  }
  const faults: Record<string, (random: Random) => Promise<void>> = {
    kill: alone(killed),
    stop: alone(stopped),
    worker: (choice) => workerKilled(fleet, choice),
    sessions: (choice) => sessionsEnded(fleet, choice),
    front: (choice) => linesBroken(choice.pick(fleet.servers).front, choice),
    back: (choice) => linesBroken(choice.pick(fleet.servers).back, choice),
    dark: (choice) => darkened(choice.pick(fleet.servers).back, choice),
    hand: byHand,
  }
  for (let turn = 0; !signal.aborted; turn++) {
    await sleep(random.between(50, 700), undefined, { signal }).catch(() => undefined)
    const name = random.pick(Object.keys(faults))
    done.set(name, (done.get(name) ?? 0) + 1)
    const fault = (faults[name] as (random: Random) => Promise<void>)(random.child(`${name} ${turn}`))
    healing.add(fault)
    fault.finally(() => healing.delete(fault)).catch(() => undefined)
    if (random.chance(CALM)) await Promise.all(healing)
  }
  await Promise.all(healing)
  return done
}

/** The probability of waiting until all faults are healed. */
const CALM = 0.15

async function killed(server: FleetServer, random: Random) {
  await server.kill()
  await sleep(random.between(0, 500))
  await server.start()
}

async function stopped(server: FleetServer, random: Random) {
  const processes = await server.processes()
  if (processes.length === 0) return
  const pid = random.pick(processes)
  signal(pid, "SIGSTOP")
  await sleep(random.between(50, 2_500))
  signal(pid, "SIGCONT")
}

/** Kills a worker of each server that has workers; the server replaces it. */
async function workerKilled({ servers }: Fleet, random: Random) {
  for (const server of servers) {
    const [, ...workers] = await server.processes()
    if (workers.length > 0) signal(random.pick(workers), "SIGKILL")
  }
}

/** Sends a signal, unless the process has exited. */
function signal(pid: number, name: NodeJS.Signals) {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
  }
}

async function sessionsEnded({ sql }: Fleet, random: Random) {
  const share = random.next()
  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'trust-registry' and random() < ${share}`
}

async function linesBroken(proxy: TcpProxy, random: Random) {
  const lines = proxy.lines.filter(() => random.chance(0.6))
  const way = random.pick(WAYS)
  for (const line of lines) breakLine(line, way, random)
  if (way === "cut") return
  await sleep(random.between(50, 2_500))
  // Data held back arrives late or never.
  const heal = way === "delay" || random.chance(0.5)
  for (const line of lines) {
    line.delay(0)
    if (heal) line.thaw()
    else line.cut()
  }
}

/** Freezes all connections to the database, new ones too. */
async function darkened(proxy: TcpProxy, random: Random) {
  proxy.darken()
  await sleep(random.between(200, 2_500))
  proxy.thaw()
}

const WAYS = ["cut", "freeze", "half", "delay"] as const

function breakLine(line: ProxyLine, way: (typeof WAYS)[number], random: Random) {
  switch (way) {
    case "cut":
      return line.cut()
    case "freeze":
      return line.freeze()
    case "half":
      return line.freeze(random.pick(["there", "back"]))
    case "delay":
      return line.delay(random.between(5, 400))
  }
}
