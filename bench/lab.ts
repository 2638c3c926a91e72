import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import postgres from "postgres"
import { findPostmaster } from "../server/embedded/postmaster.js"
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../server/embedded/start.js"
import { cpuSeconds, cpuSecondsOfChildren } from "./cpuTime.js"
import { agentAt, smallChain } from "./load/chains.js"
import { bareEnvironment, type Cpu, type Running, startProcess } from "./processes.js"
import { migrate, stock } from "./stock.js"

/** A database of its own in the one cluster of the run, which is durable. */
export interface BenchDatabase {
  readonly name: string
  /** For `postgres({ ...connection })`. */
  readonly connection: postgres.Options<Record<string, never>>
  /** For programs of PostgreSQL, and for the registry. */
  readonly env: NodeJS.ProcessEnv
  /** Runs statements, as a person in psql would. */
  withSql<Result>(work: (sql: postgres.Sql) => Promise<Result>): Promise<Result>
}

/** The registry, as users start it. */
export interface Registry extends Running {
  /** `host:port`. */
  readonly address: string
}

/** How to start the registry. */
export interface RegistryOptions {
  readonly database: BenchDatabase
  readonly cpu?: Cpu
  /** Settings beyond the defaults: `{ TRUST_REGISTRY_CACHE_ENTRIES: "0" }`. */
  readonly settings?: NodeJS.ProcessEnv
  /** Node's own flags. */
  readonly nodeArgs?: readonly string[]
}

/** What a figure may use: it starts what is to be measured, and ends it when the figure is done. */
export interface Lab {
  /** The checkout whose registry is measured. */
  readonly root: string
  /** A throwaway folder. */
  readonly folder: string
  /** How often each side of a ratio is measured. */
  readonly rounds: number
  /** How long one measurement is. */
  readonly times: Times
  /** An empty database, or a copy of one that nobody is connected to. */
  database(template?: string): Promise<BenchDatabase>
  /** A database with so many small chains, made once a run: it is shared, so what is written there must change little. */
  stocked(chains: number): Promise<BenchDatabase>
  registry(options: RegistryOptions): Promise<Registry>
  /** Starts `bench/peers/NAME.ts`, which says `ready ADDRESS`. */
  peer(name: string, args: readonly string[], cpu?: Cpu): Promise<Registry>
  /** What processor time a server and the database take for each call of `work`, which gives how many it made. */
  cost(registry: Registry, work: () => Promise<number>): Promise<string>
  /** Starts any other program. */
  program(command: string, args: readonly string[], cpu?: Cpu): Running
  /** Hears of the end of the figure: what was started last is ended first. */
  defer(end: () => Promise<unknown>): void
  /** Tells what goes on. */
  say(text: string): void
}

/** How long load is put on, and how much of that does not count. */
export interface Times {
  readonly warmSeconds: number
  readonly seconds: number
}

/** How a run measures. */
export interface LabsOptions {
  readonly rounds: number
  readonly times: Times
  /** Whether every registry that is started writes a CPU profile when it ends. */
  readonly profile: boolean
  readonly say: (text: string) => void
}

/** The labs of one run, which share a cluster. */
export interface Labs {
  /** The folder of the CPU profiles, if there are any. */
  readonly profiles: string | undefined
  /** Runs one figure in a lab of its own. */
  within<Result>(work: (lab: Lab) => Promise<Result>, root?: string): Promise<Result>
  end(): Promise<void>
}

const PROJECT = join(import.meta.dirname, "..")

/** Makes the labs of a run; the database cluster is started by the first figure that needs one. */
export async function openLabs(options: LabsOptions): Promise<Labs> {
  const folder = await mkdtemp(join(tmpdir(), `trust-registry-bench-${process.pid}-`))
  const profiles = options.profile ? join(folder, "profiles") : undefined
  const open = new Set<() => Promise<unknown>>()
  let cluster: ReturnType<typeof startCluster> | undefined
  let figures = 0
  let databases = 0
  let files = 0

  const database = async (template = "template1"): Promise<BenchDatabase> => {
    cluster ??= startCluster(join(folder, "database"))
    const { embedded, admin } = await cluster
    const { host, username, port } = embedded.connection
    const name = `bench_${++databases}`
    await admin`create database ${admin(name)} owner ${admin(username)} template ${admin(template)}`
    const connection = { ...embedded.connection, database: name }
    return {
      name,
      connection,
      env: { PGHOST: host, PGPORT: String(port), PGUSER: username, PGDATABASE: name },
      withSql: async (work) => {
        const sql = postgres({ ...connection, max: 1, onnotice: () => undefined })
        return await work(sql).finally(() => sql.end({ timeout: 1 }))
      },
    }
  }

  const stocks = new Map<string, Promise<BenchDatabase>>()
  const stocked = async (root: string, chains: number) => {
    options.say(`  storing ${chains} chains`)
    const made = await database()
    await migrate(root, made)
    await stock(made, await smallChain(agentAt(0)), 0, chains)
    return made
  }

  const within = async <Result>(work: (lab: Lab) => Promise<Result>, root = PROJECT) => {
    const ends: (() => Promise<unknown>)[] = []
    const logs: string[] = []
    const logFile = () => {
      const file = join(folder, `log-${++files}`)
      logs.push(file)
      return file
    }
    const started = <Started extends Running>(running: Started) => {
      ends.push(running.end)
      return running
    }
    const lab: Lab = {
      root,
      folder: await mkdtemp(join(folder, `figure-${++figures}-`)),
      rounds: options.rounds,
      times: options.times,
      database,
      stocked: (chains) => {
        const key = `${root} ${chains}`
        const made = stocks.get(key) ?? stocked(root, chains)
        stocks.set(key, made)
        return made
      },
      registry: async ({ database, cpu, settings, nodeArgs = [] }) => {
        const profile = profiles ? ["--cpu-prof", `--cpu-prof-dir=${profiles}`] : []
        const args = [...profile, ...nodeArgs, join(root, "server/bin/trust-registry-server.js"), "serve"]
        const env = bareEnvironment({
          ...database.env,
          // The driver takes the folder of the socket from PGHOST; a URL cannot name one.
          DATABASE_URL: `postgres:///${database.name}`,
          TRUST_REGISTRY_LISTEN: "127.0.0.1:0",
          ...settings,
        })
        const running = started(
          startProcess({ command: process.execPath, args, env, cpu, logFile: logFile() }),
        )
        return { ...running, address: await running.said(readyAddress) }
      },
      peer: async (name, args, cpu) => {
        const file = join(PROJECT, "bench", "peers", `${name}.ts`)
        const nodeArgs = ["--import", "tsx", file, ...args]
        const running = started(
          startProcess({ command: process.execPath, args: nodeArgs, cpu, logFile: logFile() }),
        )
        return { ...running, address: await running.said((text) => /^ready (\S+)$/m.exec(text)?.[1]) }
      },
      cost: async ({ pid }, work) => {
        const postmaster = await findPostmaster(join(folder, "database", "postgres", "data"))
        const seconds = async () => [await cpuSeconds(pid), await cpuSecondsOfChildren(postmaster ?? 0)]
        const before = await seconds()
        const calls = await work()
        const [registry, database] = (await seconds()).map((after, index) => {
          return Math.round(((after - (before[index] ?? 0)) / calls) * 1e6)
        })
        return `processor time of a call: server ${registry} us, PostgreSQL ${database} us`
      },
      program: (command, args, cpu) => started(startProcess({ command, args, cpu, logFile: logFile() })),
      defer: (end) => void ends.push(end),
      say: options.say,
    }
    const endAll = async () => {
      open.delete(endAll)
      for (let end = ends.pop(); end; end = ends.pop()) await end()
    }
    open.add(endAll)
    try {
      return await work(lab)
    } catch (error) {
      for (const file of logs) options.say(await lastWords(file))
      throw error
    } finally {
      await endAll()
    }
  }

  return {
    profiles,
    within,
    end: async () => {
      for (const endAll of open) await endAll()
      const running = await cluster?.catch(() => undefined)
      await running?.admin.end({ timeout: 1 })
      await running?.embedded.stop()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** What a process said last that is no answered call: where a figure fails, one of them knows why. */
async function lastWords(logFile: string) {
  const lines = (await readFile(logFile, "utf8").catch(() => "")).split("\n")
  const telling = lines.filter((line) => line !== "" && !line.includes('"answered"'))
  return [`  the log of a process (${telling.length} lines):`, ...telling.slice(-3)].join("\n")
}

async function startCluster(dataDir: string): Promise<{ embedded: EmbeddedPostgres; admin: postgres.Sql }> {
  const embedded = await startEmbeddedPostgres({ dataDir, log: () => undefined })
  const admin = postgres({ ...embedded.superuser, max: 1, max_lifetime: null, onnotice: () => undefined })
  return { embedded, admin }
}

function readyAddress(log: string): string | undefined {
  const line = log.split("\n").find((text) => text.includes('"msg":"ready'))
  return line === undefined ? undefined : (JSON.parse(line) as { address: string }).address
}
