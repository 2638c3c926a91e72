import postgres from "postgres"
import { childrenOf } from "../support/kill.js"
import { ownCluster } from "../support/postgres.js"
import { type ServerProcess, spawnServer } from "../support/process.js"
import { startTcpProxy, type TcpProxy } from "../support/tcpProxy.js"

/** A server process with a proxy in front of it and another to its database. */
export interface FleetServer {
  readonly index: number
  /**
   * Counts the processes so far: a call that sees the same number before and after was answered by that process. Undefined
   * with several workers, any of which may answer.
   */
  readonly life: number | undefined
  /** The address, which stays the same across restarts. */
  readonly address: string
  readonly front: TcpProxy
  readonly back: TcpProxy
  /** Kills the process; `start` starts another. */
  kill(): Promise<void>
  start(): Promise<void>
  /** The process ids, including workers; empty while stopped. */
  processes(): Promise<number[]>
}

/** Server processes that share one PostgreSQL. */
export interface Fleet {
  readonly servers: readonly FleetServer[]
  /** A superuser connection without a proxy, for changes by hand. */
  readonly sql: postgres.Sql
  end(): Promise<void>
}

/** Starts a durable PostgreSQL and one server per entry of `workers`, each with that many workers and `env`. */
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
      // The server may exit if its database connections are cut while it starts.
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
