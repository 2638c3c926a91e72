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

/** A database in the run's durable cluster. */
export interface BenchDatabase {
  readonly name: string
  /** For the registry's DATABASE_URL. */
  readonly url: string
  /** For `postgres({ ...connection })`. */
  readonly connection: postgres.Options<Record<string, never>>
  /** For PostgreSQL's programs. */
  readonly env: NodeJS.ProcessEnv
  /** Runs statements, like an operator in psql. */
  withSql<Result>(work: (sql: postgres.Sql) => Promise<Result>): Promise<Result>
}

/** A running registry, started as users start it. */
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

/** The environment of a figure. Starts the processes to measure, and ends them when the figure is done. */
export interface Lab {
  /** The checkout whose registry is measured. */
  readonly root: string
  /** A temporary folder. */
  readonly folder: string
  /** How often each side of a ratio is measured. */
  readonly rounds: number
  /** How long one measurement takes. */
  readonly times: Times
  /** An empty database, or a copy of a template without connections. */
  database(template?: string): Promise<BenchDatabase>
  /** A database with that many small chains, created once per run. It is shared, so writes to it must change little. */
  stocked(chains: number): Promise<BenchDatabase>
  registry(options: RegistryOptions): Promise<Registry>
  /** Starts `bench/peers/NAME.ts`, which prints `ready ADDRESS`. */
  peer(name: string, args: readonly string[], cpu?: Cpu): Promise<Registry>
  /** The CPU time that a server and the database use per call of `work`, which returns the number of calls. */
  cost(registry: Registry, work: () => Promise<number>): Promise<string>
  /** Starts any other program. */
  program(command: string, args: readonly string[], cpu?: Cpu): Running
  /** Runs when the figure ends; the last deferred runs first. */
  defer(end: () => Promise<unknown>): void
  /** Prints progress. */
  say(text: string): void
}

/** How long the load runs, and how much of that is warm-up. */
export interface Times {
  readonly warmSeconds: number
  readonly seconds: number
}

/** The options of a run. */
export interface LabsOptions {
  readonly rounds: number
  readonly times: Times
  /** Whether every registry writes a CPU profile when it exits. */
  readonly profile: boolean
  readonly say: (text: string) => void
}

/** The environments of one run, which share a cluster. */
export interface Labs {
  /** The folder of the CPU profiles, if there are any. */
  readonly profiles: string | undefined
  /** Runs one figure in its own lab. */
  within<Result>(work: (lab: Lab) => Promise<Result>, root?: string): Promise<Result>
  end(): Promise<void>
}

const PROJECT = join(import.meta.dirname, "..")

/** Opens the labs of a run; the first figure that needs the database cluster starts it. */
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
      url: `postgres:///${name}?user=${username}&host=${encodeURIComponent(host)}&port=${port}`,
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
          DATABASE_URL: database.url,
          TRUST_REGISTRY_LISTEN: "127.0.0.1:0",
          ...settings,
        })
        const running = started(
          startProcess({ command: process.execPath, args, env, cpu, logFile: logFile() }),
        )
        return { ...running, address: await running.untilOutput(readyAddress) }
      },
      peer: async (name, args, cpu) => {
        const file = join(PROJECT, "bench", "peers", `${name}.ts`)
        const nodeArgs = ["--import", "tsx", file, ...args]
        const running = started(
          startProcess({ command: process.execPath, args: nodeArgs, cpu, logFile: logFile() }),
        )
        return { ...running, address: await running.untilOutput((text) => /^ready (\S+)$/m.exec(text)?.[1]) }
      },
      cost: async ({ pid }, work) => {
        const postmaster = await findPostmaster(join(folder, "database", "postgres", "data"))
        const seconds = async () => [await cpuSeconds(pid), await cpuSecondsOfChildren(postmaster ?? 0)]
        const before = await seconds()
        const calls = await work()
        const [registry, database] = (await seconds()).map((after, index) => {
          return Math.round(((after - (before[index] ?? 0)) / calls) * 1e6)
        })
        return `CPU time per call: server ${registry} us, PostgreSQL ${database} us`
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

/** The last log lines of a process without answered calls, to explain why a figure failed. */
async function lastWords(logFile: string) {
  const lines = (await readFile(logFile, "utf8").catch(() => "")).split("\n")
  const relevant = lines.filter((line) => line !== "" && !line.includes('"answered"'))
  return [`  the log of a process (${relevant.length} lines):`, ...relevant.slice(-3)].join("\n")
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
