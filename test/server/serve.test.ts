import { readdirSync, readFileSync } from "node:fs"
import { readdir, readFile, rm, utimes, writeFile } from "node:fs/promises"
import { type AddressInfo, connect as connectSocket, createServer, type Server } from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import { status as Code } from "@grpc/grpc-js"
import { health, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import type { ISql } from "postgres"
import { ENVIRONMENT_PROOF } from "../../server/connection/driverOptions.js"
import { connectTo, failureOf } from "../support/calls.js"
import { freshDatabase } from "../support/postgres.js"
import { embeddedFolder, type ServerProcess, spawnServer } from "../support/process.js"
import { sampleChain } from "../support/sample.js"
import { until } from "../support/until.js"

const ANY_PORT = { TRUST_REGISTRY_LISTEN: "127.0.0.1:0" }

describe("trust-registry-server", () => {
  const running: ServerProcess[] = []
  const closers: (() => unknown)[] = []

  function spawn(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const child = spawnServer(args, env)
    running.push(child)
    return child
  }

  afterEach(async () => {
    for (const child of running.splice(0)) {
      child.signal("SIGKILL")
      await child.ended
    }
    for (const close of closers.splice(0).reverse()) await close()
  })

  /** A folder for the embedded database, and the server on it. */
  async function onFolder() {
    const folder = await embeddedFolder()
    closers.push(() => folder.end())
    const env = { ...ANY_PORT, TRUST_REGISTRY_DATA_DIR: folder.dataDir }
    return { folder, env, serve: (more: NodeJS.ProcessEnv = {}) => spawn(["serve"], { ...env, ...more }) }
  }

  async function connectedTo(server: ServerProcess) {
    const connection = connectTo(await server.address())
    closers.push(connection.close)
    return connection
  }

  describe("as a command", () => {
    it("prints its help and its version", async () => {
      const { version } = JSON.parse(
        readFileSync(new URL("../../server/package.json", import.meta.url), "utf8"),
      )
      const help = await spawn(["--help"]).ended
      expect(help).to.include({ code: 0, stderr: "" })
      expect(help.stdout)
        .to.include("serve")
        .and.match(/--drain-timeout-ms .* \(ms; default: \d+\)/)
      const note = new URL("../../server/dist/commit", import.meta.url)
      const before = await readFile(note).catch(() => undefined)
      closers.push(() => (before ? writeFile(note, before) : rm(note, { force: true })))
      const commit = "0123456789abcdef0123456789abcdef01234567"
      for (const [text, shown] of [
        [`${commit}\n`, `+${commit}`],
        [`${commit}.dirty\n`, `+${commit}.dirty`],
        ["", ""],
        ["fatal: no repository", ""],
      ] as const) {
        await writeFile(note, text)
        expect(await spawn(["--version"]).ended).to.include({ code: 0, stdout: `${version}${shown}\n` })
      }
      await writeFile(note, commit)
      await utimes(note, 0, 0)
      expect(await spawn(["--version"]).ended, "compiled later").to.include({ stdout: `${version}\n` })
    })

    it("refuses unknown arguments with exit code 2", async () => {
      for (const args of [[], ["frobnicate"], ["serve", "twice"], ["serve", "--colour", "red"]]) {
        const { code, stdout, stderr } = await spawn(args).ended
        expect({ code, stdout }, args.join(" ")).to.deep.equal({ code: 2, stdout: "" })
        expect(stderr).to.match(/^trust-registry-server: /)
      }
    })

    it("refuses invalid settings with exit code 2, before it starts anything", async () => {
      const { folder, serve } = await onFolder()
      const { code, stderr } = await serve({ TRUST_REGISTRY_LISTEN: "0.0.0.0:0" }).ended
      expect(code).to.equal(2)
      expect(stderr).to.include("TRUST_REGISTRY_ALLOW_INSECURE=true")
      expect(await folder.postmaster()).to.equal(undefined)
    })

    it("prints the settings in force, without the password", async () => {
      const env = { DATABASE_URL: "postgres://ann:s3cret@h/db", TRUST_REGISTRY_CACHE_ENTRIS: "1" }
      const { code, stdout, stderr } = await spawn(["config", "--max-anchors", "5", "--allow-insecure"], env)
        .ended
      expect(code).to.equal(0)
      expect(stdout).to.match(/TRUST_REGISTRY_MAX_ANCHORS +5 +records +flag/)
      expect(stdout).to.match(/TRUST_REGISTRY_ALLOW_INSECURE +true +true or false +flag/)
      expect(stdout).to.include("postgres://ann:***@h/db").and.not.include("s3cret")
      expect(stderr).to.include("TRUST_REGISTRY_CACHE_ENTRIS is not a setting")
    })

    it("migrates, and reports what it did", async () => {
      const { env } = await onFolder()
      const first = await spawn(["migrate"], { ...env, TRUST_REGISTRY_LOG_LEVEL: "silent" }).ended
      expect(first).to.include({ code: 0, stderr: "" })
      const steps = readdirSync(new URL("../../server/schema/", import.meta.url)).filter((name) =>
        /^\d/.test(name),
      )
      const applied = [...steps.sort(), "functions"].map((name) => `applied ${name}`)
      expect(applied).to.have.length.above(3)
      expect(first.stdout).to.include(applied.join("\n"))
      const second = await spawn(["migrate"], { ...env, TRUST_REGISTRY_LOG_LEVEL: "silent" }).ended
      expect(second).to.include({ code: 0, stdout: "nothing to do\n" })
    })
  })

  describe("serves", () => {
    it("ignores PG* variables, which are the user's own", async () => {
      const { serve } = await onFolder()
      const { calls } = await connectedTo(
        serve({
          ...Object.fromEntries(LIBPQ_VARIABLES.map((name) => [name, "/nowhere"])),
          ...Object.fromEntries(
            Object.keys(ENVIRONMENT_PROOF).map((option) => [`PG${option.toUpperCase()}`, "1"]),
          ),
          PGHOST: "nowhere.invalid",
          PGPORT: "1",
          PGSSLMODE: "verify-full",
          PGSSL: "require",
          PGTARGETSESSIONATTRS: "any",
          PGTARGET_SESSION_ATTRS: "standby",
          PGOPTIONS: "-c default_transaction_read_only=on",
          PGPREPARE: "false",
          PGCONNECT_TIMEOUT: "0.001",
          PGSSLNEGOTIATION: "direct",
        }),
      )
      await calls(TrustStoreService).storeChain({ chain: sampleChain("kept") })
    })

    it("with only a port configured, keeps its data between runs, and leaves no process behind", async () => {
      const { folder, serve } = await onFolder()
      const first = serve({ TRUST_REGISTRY_CACHE_ENTRIS: "1" })
      const { calls } = await connectedTo(first)
      await calls(TrustStoreService).storeChain({ chain: sampleChain("kept") })
      expect(first.log.find(({ level }) => level === "warn")?.msg).to.include("TRUST_REGISTRY_CACHE_ENTRIS")
      first.signal("SIGTERM")
      expect(await first.ended).to.include({ code: 0, signal: null, stderr: "" })
      expect(await folder.postmaster()).to.equal(undefined)

      const second = await connectedTo(serve())
      const { record } = (await second.calls(TrustStoreService).getChain({ agentId: "kept" })).stored ?? {}
      expect(record?.agentId).to.equal("kept")
    })

    it("with the database that a killed server left behind", async () => {
      const { folder, serve } = await onFolder()
      const first = serve()
      const { calls } = await connectedTo(first)
      await calls(TrustStoreService).storeChain({ chain: sampleChain("kept") })
      first.signal("SIGKILL")
      await first.ended
      expect(await folder.postmaster()).to.be.a("number")
      const second = await connectedTo(serve())
      const { record } = (await second.calls(TrustStoreService).getChain({ agentId: "kept" })).stored ?? {}
      expect(record?.agentId).to.equal("kept")
    })

    it("not if the port is taken: reports it before it makes a database, and exits with code 1", async () => {
      const { folder, serve } = await onFolder()
      const taken = createServer()
      closers.push(() => taken.close())
      const port = await listening(taken)
      const { code, stderr } = await serve({ TRUST_REGISTRY_LISTEN: `127.0.0.1:${port}` }).ended
      expect(code).to.equal(1)
      expect(stderr).to.equal(
        `trust-registry-server: cannot listen on 127.0.0.1:${port}: the port is in use by another process; ` +
          "choose another with TRUST_REGISTRY_LISTEN\n",
      )
      expect(await readdir(folder.dataDir)).to.deep.equal([])
    })
  })

  describe("with DATABASE_URL", () => {
    it("waits for the database, then serves", async () => {
      const database = await freshDatabase()
      const proxy = createServer((socket) => {
        const upstream = connectSocket(database.connection.path)
        socket.pipe(upstream).pipe(socket)
        for (const end of [socket, upstream]) end.on("error", () => end.destroy())
      })
      closers.push(() => database.drop())
      closers.push(() => proxy.close())
      const port = await listening(proxy)
      await new Promise((resolve) => proxy.close(resolve))
      const { username, database: name } = database.connection
      const server = spawn(["serve"], {
        ...ANY_PORT,
        DATABASE_URL: `postgres://${username}:s3cret@127.0.0.1:${port}/${name}`,
      })
      await server.line(({ msg }) => msg.startsWith("waiting"))
      await listening(proxy, port)
      const { calls } = await connectedTo(server)
      expect((await calls(TrustStoreService).countChains({})).count).to.equal(0n)
      expect(JSON.stringify(server.log)).to.not.include("s3cret")
    })

    it("gives up at the timeout with exit code 1, and never prints the password", async () => {
      const { code, stdout, stderr } = await spawn(["serve"], {
        ...ANY_PORT,
        DATABASE_URL: "postgres://ann:s3cret@127.0.0.1:1/db",
        TRUST_REGISTRY_DATABASE_START_TIMEOUT_MS: "300",
      }).ended
      expect(code).to.equal(1)
      expect(stderr).to.match(
        /^trust-registry-server: the database \(postgres:\/\/ann:\*\*\*@127.0.0.1:1\/db\) cannot be used/,
      )
      expect(stdout + stderr).to.not.include("s3cret")
    })

    it("can be stopped while it waits", async () => {
      const server = spawn(["serve"], { ...ANY_PORT, DATABASE_URL: "postgres://ann@127.0.0.1:1/db" })
      await server.line(({ msg }) => msg.startsWith("waiting"))
      server.signal("SIGTERM")
      expect(await server.ended).to.include({ code: 0, signal: null })
    })
  })

  describe("when stopped", () => {
    it("ends streams, lets a slow call finish, stops the database, and exits with 0", async () => {
      const { folder, serve } = await onFolder()
      const server = serve({ TRUST_REGISTRY_DATABASE_TIMEOUT_MS: "60000" })
      const { calls } = await connectedTo(server)
      const watching = failureOf(drained(calls(health.Health).watch({})))
      const call = await folder.withSql((sql) =>
        sql.begin(async (sql) => {
          await sql`lock table trust_chains in access exclusive mode`
          const slow = failureOf(calls(TrustStoreService).verifyChainIntegrity({ agentId: "nobody" }))
          await until("the call waits", () => someoneWaits(sql))
          server.signal("SIGTERM")
          expect((await watching).code).to.equal(Code.UNAVAILABLE)
          return { slow }
        }),
      )
      expect((await call.slow).code).to.equal(Code.NOT_FOUND)
      expect(await server.ended).to.include({ code: 0, signal: null, stderr: "" })
      expect(await folder.postmaster()).to.equal(undefined)
    })

    it("drains when its terminal ends, however often it is told, and leaves no database behind", async () => {
      const { folder, serve } = await onFolder()
      const server = serve({ TRUST_REGISTRY_DATABASE_TIMEOUT_MS: "60000" })
      const { calls } = await connectedTo(server)
      const call = await folder.withSql((sql) =>
        sql.begin(async (sql) => {
          await sql`lock table trust_chains in access exclusive mode`
          const slow = failureOf(calls(TrustStoreService).verifyChainIntegrity({ agentId: "nobody" }))
          await until("the call waits", () => someoneWaits(sql))
          server.signal("SIGHUP")
          await server.line(({ msg }) => msg.startsWith("stopping"))
          await delay(500)
          server.signal("SIGHUP")
          return { slow }
        }),
      )
      expect((await call.slow).code).to.equal(Code.NOT_FOUND)
      expect(await server.ended).to.include({ code: 0, signal: null, stderr: "" })
      expect(await folder.postmaster()).to.equal(undefined)
    })

    it("finishes a start in progress, then stops everything", async () => {
      const { folder, serve } = await onFolder()
      const server = serve()
      await server.line(({ msg }) => msg.startsWith("created a new database"))
      server.signal("SIGTERM")
      expect(await server.ended).to.include({ code: 0, signal: null, stderr: "" })
      expect(await folder.postmaster()).to.equal(undefined)
    })

    it("takes the second Ctrl-C of npm for the same one, and a later one for `now`", async () => {
      const { folder, serve } = await onFolder()
      const server = serve({ TRUST_REGISTRY_DATABASE_TIMEOUT_MS: "60000" })
      const { calls } = await connectedTo(server)
      await folder.withSql((sql) =>
        sql.begin(async (sql) => {
          await sql`lock table trust_chains in access exclusive mode`
          const slow = failureOf(calls(TrustStoreService).verifyChainIntegrity({ agentId: "nobody" }))
          await until("the call waits", () => someoneWaits(sql))
          server.signal("SIGINT")
          server.signal("SIGINT")
          await server.line(({ msg }) => msg.startsWith("stopping"))
          const ended = await Promise.race([server.ended, delay(700, "still running")])
          expect(ended).to.equal("still running")
          server.signal("SIGINT")
          expect((await server.ended).code).to.equal(130)
          await slow
        }),
      )
    })

    it("shuts down in order after an uncaught exception, with exit code 1", async () => {
      const { folder, serve } = await onFolder()
      const server = serve({ NODE_OPTIONS: onSignal("throw new Error('thrown by a timer')") })
      await server.address()
      server.signal("SIGUSR2")
      const line = await server.line(({ level }) => level === "fatal")
      expect(line.err).to.have.property("stack").that.includes("thrown by a timer")
      expect((await server.ended).code).to.equal(1)
      expect(await folder.postmaster()).to.equal(undefined)
    })

    it("continues after an unhandled rejection, and logs it", async () => {
      const { serve } = await onFolder()
      const server = serve({ NODE_OPTIONS: onSignal("Promise.reject(new Error('failed unheard'))") })
      const { calls } = await connectedTo(server)
      server.signal("SIGUSR2")
      const line = await server.line(({ level }) => level === "error")
      expect(line.err).to.have.property("message", "failed unheard")
      expect((await calls(TrustStoreService).countChains({})).count).to.equal(0n)
    })
  })
})

/** Every variable that libpq 18 reads, and PGDATA, which PostgreSQL's programs do. */
const LIBPQ_VARIABLES = [
  ..."APPNAME CHANNELBINDING CLIENTENCODING CONNECT_TIMEOUT DATA DATABASE DATESTYLE GEQO GSSDELEGATION GSSENCMODE".split(
    " ",
  ),
  ..."GSSLIB HOST HOSTADDR KRBSRVNAME LOADBALANCEHOSTS LOCALEDIR MAXPROTOCOLVERSION MINPROTOCOLVERSION OPTIONS".split(
    " ",
  ),
  ..."PASSFILE PASSWORD PORT REQUIREAUTH REQUIREPEER REQUIRESSL SERVICE SERVICEFILE SSLCERT SSLCERTMODE".split(
    " ",
  ),
  ..."SSLCOMPRESSION SSLCRL SSLCRLDIR SSLKEY SSLMAXPROTOCOLVERSION SSLMINPROTOCOLVERSION SSLMODE SSLNEGOTIATION".split(
    " ",
  ),
  ..."SSLROOTCERT SSLSNI SYSCONFDIR TARGETSESSIONATTRS TZ USER OAUTHDEBUG OAUTHCAFILE".split(" "),
].map((name) => `PG${name}`)

/** Lets Node run a statement on SIGUSR2, as if a fault of our own had done it. */
function onSignal(statement: string) {
  const script = `process.once("SIGUSR2", () => { ${statement} })`
  return `--import=data:text/javascript,${encodeURIComponent(script)}`
}

async function listening(server: Server, port = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))
  return (server.address() as AddressInfo).port
}

async function someoneWaits(sql: ISql) {
  const rows = await sql`select 1 from pg_locks where relation = 'trust_chains'::regclass and not granted`
  return rows.length > 0
}

async function drained(replies: AsyncIterable<unknown>) {
  for await (const _ of replies);
}
