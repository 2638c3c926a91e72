import postgres from "postgres"
import { childrenOf } from "../support/kill.js"
import { ownCluster } from "../support/postgres.js"
import { type ServerProcess, spawnServer } from "../support/process.js"
import { startTcpProxy, type TcpProxy } from "../support/tcpProxy.js"

/** One of several server processes, with a proxy before it and one between it and the database. */
export interface FleetServer {
  readonly index: number
  /**
   * Which process it is by now: callers who saw the same number before and after got their answer from it. Undefined of one
   * with several workers, of which any may answer.
   */
  readonly life: number | undefined
  /** Where callers reach it, whichever process it is. */
  readonly address: string
  readonly front: TcpProxy
  readonly back: TcpProxy
  /** Ends the process as a crash does; `start` makes another. */
  kill(): Promise<void>
  start(): Promise<void>
  /** The process ids, of its workers too; none while it is not there. */
  processes(): Promise<number[]>
}

/** Server processes on one PostgreSQL of their own. */
export interface Fleet {
  readonly servers: readonly FleetServer[]
  /** What a person in psql has, as the superuser; its lines go through no proxy. */
  readonly sql: postgres.Sql
  end(): Promise<void>
}

/** Starts a durable PostgreSQL and servers on it, each with so many workers (1: it is a single process); `env` for each. */
export async function startFleet(workers: readonly number[], env: Record<string, string>): Promise<Fleet> {
  const cluster = await ownCluster()
  const { username, database, path } = cluster.connection
  const sql = postgres({ ...cluster.superuser, database, max: 8, onnotice: () => {} })
  const servers: (FleetServer & { end(): Promise<void> })[] = []
  const end = async () => {
    for (const server of servers) await server.end()
    await sql.end({ timeout: 1 })
    await cluster.end()
  }
  try {
    for (const [index, count] of workers.entries()) {
      const envOf = (port: number) => ({
        ...env,
        TRUST_REGISTRY_WORKERS: String(count),
        DATABASE_URL: `postgres://${username}@127.0.0.1:${port}/${database}`,
      })
      servers.push(await placeServer(index, count, path, envOf))
    }
    await Promise.all(servers.map((server) => server.start()))
  } catch (error) {
    await end()
    throw error
  }
  return { servers, sql, end }
}

const START_ATTEMPTS = 10

async function placeServer(
  index: number,
  workers: number,
  database: string,
  envOf: (port: number) => Record<string, string>,
) {
  const back = await startTcpProxy(database)
  const front = await startTcpProxy(0)
  let process: ServerProcess | undefined
  let life = 0
  const kill = async () => {
    const gone = process
    process = undefined
    life++
    gone?.signal("SIGKILL")
    await gone?.ended
  }
  const start = async () => {
    for (let attempt = 1; ; attempt++) {
      process = spawnServer(["serve", "--listen", "127.0.0.1:0"], envOf(back.port))
      life++
      // Where its lines to the database are cut while it starts, it may end.
      const address = await process.address().catch((error) => {
        if (attempt === START_ATTEMPTS) throw error
      })
      if (!address) continue
      front.retarget(Number(address.split(":")[1]))
      return
    }
  }
  return {
    index,
    get life() {
      return workers === 1 ? life : undefined
    },
    address: `127.0.0.1:${front.port}`,
    front,
    back,
    kill,
    start,
    processes: async () => (process ? [process.pid, ...(await childrenOf(process.pid).catch(() => []))] : []),
    end: async () => {
      await kill()
      front.close()
      back.close()
    },
  }
}
