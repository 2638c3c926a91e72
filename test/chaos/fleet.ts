import postgres from "postgres"
import { ownCluster } from "../support/postgres.js"
import { type ServerProcess, spawnServer } from "../support/process.js"
import { startTcpProxy, type TcpProxy } from "../support/tcpProxy.js"

/** One of several server processes, with a proxy before it and one between it and the database. */
export interface FleetServer {
  readonly index: number
  /** Which process it is by now, counted from 1; callers who saw the same number before and after got their answer from it. */
  readonly life: number
  /** Where callers reach it, whichever process it is. */
  readonly address: string
  readonly front: TcpProxy
  readonly back: TcpProxy
  /** Ends the process as a crash does; `start` makes another. */
  kill(): Promise<void>
  start(): Promise<void>
  /** As `kill -STOP` and `kill -CONT`. */
  stop(): void
  goOn(): void
}

/** Server processes on one PostgreSQL of their own. */
export interface Fleet {
  readonly servers: readonly FleetServer[]
  /** What a person in psql has, as the superuser; its lines go through no proxy. */
  readonly sql: postgres.Sql
  end(): Promise<void>
}

/** Starts a durable PostgreSQL and so many server processes on it; `env` for each. */
export async function startFleet(size: number, env: Record<string, string>): Promise<Fleet> {
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
    for (let index = 0; index < size; index++)
      servers.push(
        await placeServer(index, path, (port) => ({
          ...env,
          DATABASE_URL: `postgres://${username}@127.0.0.1:${port}/${database}`,
        })),
      )
    await Promise.all(servers.map((server) => server.start()))
  } catch (error) {
    await end()
    throw error
  }
  return { servers, sql, end }
}

const START_ATTEMPTS = 10

async function placeServer(index: number, database: string, envOf: (port: number) => Record<string, string>) {
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
      return life
    },
    address: `127.0.0.1:${front.port}`,
    front,
    back,
    kill,
    start,
    stop: () => process?.signal("SIGSTOP"),
    goOn: () => process?.signal("SIGCONT"),
    end: async () => {
      await kill()
      front.close()
      back.close()
    },
  }
}
