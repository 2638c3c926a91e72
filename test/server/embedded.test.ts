import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect } from "chai"
import postgres from "postgres"
import { EmbeddedPostgresError } from "../../server/embedded/errors.js"
import { findPostmaster, stopPostmaster } from "../../server/embedded/postmaster.js"
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../server/embedded/start.js"
import { kill, killAll, killGroup } from "../support/kill.js"
import { throwawayFolder } from "../support/postgres.js"
import { until } from "../support/until.js"
import { query, read, write } from "../support/words.js"

describe("the embedded PostgreSQL", () => {
  let dataDir: string
  const running = new Set<EmbeddedPostgres>()
  const servers = new Set<ChildProcess>()

  beforeEach(async () => {
    dataDir = await throwawayFolder()
  })

  afterEach(async () => {
    for (const child of servers) await killGroup(child)
    for (const database of running) await database.stop()
    servers.clear()
    running.clear()
    await stopPostmaster(join(dataDir, "postgres", "data"))
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
  })

  const start = async (folder = dataDir, said: string[] = []) => {
    const log = (_level: unknown, text: string) => void said.push(text)
    const database = await startEmbeddedPostgres({ dataDir: folder, log })
    running.add(database)
    return database
  }

  /** Our server as a process of its own, in a group of its own that can be killed whole. */
  const startProcess = (env: Record<string, string> = {}) => {
    const program = fileURLToPath(new URL("../support/embeddedServer.ts", import.meta.url))
    const args = ["--import", "tsx", program, dataDir]
    const stdio = ["pipe", "pipe", "inherit"] as const
    const child = spawn(process.execPath, args, {
      detached: true,
      stdio: [...stdio],
      env: { ...process.env, ...env },
    })
    servers.add(child)
    return child
  }

  const postmaster = (folder = dataDir) => findPostmaster(join(folder, "postgres", "data"))

  it("keeps its data between runs, and creates the database only once", async () => {
    const said: [string[], string[]] = [[], []]
    const first = await start(dataDir, said[0])
    await write(first, "kept")
    await first.stop()
    expect(await postmaster()).to.equal(undefined)
    const second = await start(dataDir, said[1])
    expect(await read(second)).to.deep.equal(["kept"])
    expect(said.map((texts) => texts.includes("created a new database"))).to.deep.equal([true, false])
  })

  it("opens no port, keeps its socket private, and is durable", async () => {
    const database = await start()
    const settings = await query(
      database,
      `select name, setting from pg_settings
       where name in ('listen_addresses', 'fsync', 'full_page_writes', 'synchronous_commit', 'jit', 'TimeZone', 'server_encoding')`,
    )
    expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).to.deep.equal({
      listen_addresses: "",
      fsync: "on",
      full_page_writes: "on",
      synchronous_commit: "on",
      jit: "off",
      TimeZone: "UTC",
      server_encoding: "UTF8",
    })
    for (const folder of ["postgres", "postgres/data"]) {
      expect((await stat(join(dataDir, folder))).mode & 0o777).to.equal(0o700)
    }
    const [role] = await query(database, "select rolsuper from pg_roles where rolname = current_user")
    expect(role).to.deep.equal({ rolsuper: false })
  })

  it("runs in its own session, which Ctrl-C in the terminal does not reach", async () => {
    await start()
    const pid = await postmaster()
    const [, , group, session] = (await readFile(`/proc/${pid}/stat`, "utf8"))
      .replace(/^.*\) /, "")
      .split(" ")
    expect([Number(group), Number(session)]).to.deep.equal([pid, pid])
  })

  it("continues with the database of a killed server", async () => {
    const child = startProcess({
      PGHOST: "nowhere.invalid",
      PGPORT: "1",
      PGSSL: "require",
      PGDATA: "/",
      LC_ALL: "xx_XX",
    })
    await ready(child)
    const before = await postmaster()
    expect(before).to.be.a("number")
    child.kill("SIGKILL")
    await once(child, "exit")
    const database = await start()
    expect(await postmaster()).to.equal(before)
    await write(database, "adopted")
    await database.stop()
    expect(await postmaster()).to.equal(undefined)
  })

  it("recovers acknowledged writes when server and database are killed", async () => {
    const first = await start()
    await write(first, "acknowledged")
    await killAll(await postmaster())
    expect(await until("the row is back", () => read(first))).to.deep.equal(["acknowledged"])
  })

  it("restarts by itself whenever its main process is killed", async () => {
    const database = await start()
    await write(database, "here")
    for (let round = 0; round < 3; round++) {
      const killed = await postmaster()
      await kill(killed)
      const back = await until(
        "another postmaster",
        async () => (await postmaster()) !== killed && (await postmaster()),
      )
      expect(back).to.be.a("number")
      expect(await until("an answer", () => read(database))).to.deep.equal(["here"])
    }
  })

  it("locks the folder again after a killed session made the database restart", async () => {
    const database = await start()
    const sql = postgres({ ...database.superuser, max: 1 })
    const [lock] = await sql<{ pid: number }[]>`select pid from pg_locks where locktype = 'advisory'`
    await sql.end()
    process.kill(lock?.pid ?? 0, "SIGKILL")
    await until("the lock in another session", async () => {
      const held = await query(database, "select pid from pg_locks where locktype = 'advisory' and granted")
      return held.some(({ pid }) => pid !== lock?.pid)
    })
    expect((await refusal(start())).code).to.equal("FOLDER_IN_USE")
  })

  it("stays stopped, even when stopped during recovery", async () => {
    const database = await start()
    await killAll(await postmaster())
    await database.stop()
    expect(await postmaster()).to.equal(undefined)
    expect(await read(await start())).to.deep.equal([])
  })

  it("refuses a second server on the folder, with a message, and leaves the first alone", async () => {
    const first = await start()
    await write(first, "first")
    const before = await postmaster()
    const error = await refusal(start())
    expect(error.code).to.equal("FOLDER_IN_USE")
    expect(error.message)
      .to.include(dataDir)
      .and.include(`process ${process.pid}`)
      .and.include("DATABASE_URL")
    expect(await read(first)).to.deep.equal(["first"])
    expect(await postmaster()).to.equal(before)
    await first.stop()
    expect(await read(await start())).to.deep.equal(["first"])
  })

  it("yields to a server that took the folder while it was suspended, and takes it back later", async () => {
    const sleeper = startProcess()
    await ready(sleeper)
    sleeper.kill("SIGSTOP")
    await killAll(await postmaster())
    const database = await start()
    await write(database, "here")
    const taken = await postmaster()
    sleeper.kill("SIGCONT")
    await until("the sleeper to find the folder taken", async () => {
      const sessions = await query(
        database,
        `select from pg_stat_activity where application_name like '% ${sleeper.pid}'`,
      )
      return sessions.length > 0
    })
    expect(await postmaster()).to.equal(taken)
    await database.stop()
    await until("the sleeper's own postmaster", postmaster)
  })

  it("gives a new folder to one of two servers that start at once", async () => {
    const outcomes = await Promise.allSettled([start(), start()])
    const refusals = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []))
    expect(refusals.map(({ code }) => code)).to.deep.equal(["FOLDER_IN_USE"], String(refusals))
    const [winner] = running
    expect(winner && (await read(winner))).to.deep.equal([])
    expect(await readdir(join(dataDir, "postgres"))).to.have.members(["data", "postgres.log"])
  })

  it("starts from scratch after its first start was killed halfway", async () => {
    const child = startProcess()
    await until("initdb at work", async () => {
      const made = await readdir(join(dataDir, "postgres"))
      const fresh = made.find((name) => name.startsWith("data.new-"))
      return fresh !== undefined && (await stat(join(dataDir, "postgres", fresh, "base")))
    })
    await killGroup(child)
    const left = await readdir(join(dataDir, "postgres"))
    expect(left).to.not.include("data")
    expect(await read(await start())).to.deep.equal([])
    expect(await readdir(join(dataDir, "postgres"))).to.have.members(["data", "postgres.log"])
  })

  it("works in a path with spaces and non-ASCII letters, too long for a socket", async () => {
    const before = await readdir(tmpdir())
    const folder = join(dataDir, "a b", "ключ 鍵 'quoted'", "x".repeat(100))
    await mkdir(folder, { recursive: true })
    const database = await start(folder)
    expect(Buffer.byteLength(database.connection.path)).to.be.at.most(107)
    await write(database, "far")
    expect(await read(database)).to.deep.equal(["far"])
    await kill(await postmaster(folder))
    expect(await until("an answer", () => read(database))).to.deep.equal(["far"])
    await database.stop()
    const links = (await readdir(tmpdir())).filter((name) => name.startsWith("tr-") && !before.includes(name))
    expect(links).to.deep.equal([])
  })

  it("ignores lock files with a reused pid, and empty ones left by a crash", async () => {
    const database = await start()
    await write(database, "mine")
    const data = join(dataDir, "postgres", "data")
    const locks = [join(data, "postmaster.pid"), join(data, ".s.PGSQL.5432.lock")]
    const texts = await Promise.all(locks.map((path) => readFile(path, "utf8")))
    await database.stop()
    // Not this process: PostgreSQL takes no notice of the number of its own parent.
    const stranger = spawn("sleep", ["60"], { detached: true })
    servers.add(stranger)
    for (const [i, path] of locks.entries()) {
      await writeFile(path, String(texts[i]).replace(/^\d+/, String(stranger.pid)), { mode: 0o600 })
    }
    const again = await start()
    expect(await read(again)).to.deep.equal(["mine"])
    await again.stop()
    const longAgo = new Date(Date.now() - 60_000)
    await writeFile(join(data, "postmaster.pid"), "", { mode: 0o600 })
    await utimes(join(data, "postmaster.pid"), longAgo, longAgo)
    expect(await read(await start())).to.deep.equal(["mine"])
  })

  it("starts on a folder that its group may write, as Kubernetes makes it", async () => {
    const first = await start()
    await write(first, "kept")
    await first.stop()
    execFileSync("chmod", ["-R", "ug+rwX,g+s", dataDir])
    expect((await stat(join(dataDir, "postgres", "data"))).mode & 0o020).to.equal(0o020)
    expect(await read(await start())).to.deep.equal(["kept"])
    for (const folder of ["postgres", "postgres/data"])
      expect((await stat(join(dataDir, folder))).mode & 0o777, folder).to.equal(0o700)
  })

  it("refuses data of another major version, and files that are not a database", async () => {
    const data = join(dataDir, "postgres", "data")
    await mkdir(data, { recursive: true })
    await writeFile(join(data, "PG_VERSION"), "17\n")
    const other = await refusal(start())
    expect(other.code).to.equal("WRONG_VERSION")
    expect(other.message).to.include("PostgreSQL 17").and.include(dataDir)
    await rm(join(data, "PG_VERSION"))
    await writeFile(join(data, "notes.txt"), "not yours")
    expect((await refusal(start())).code).to.equal("FOLDER_UNUSABLE")
    expect(await readdir(data)).to.deep.equal(["notes.txt"])
  })

  it("reports PostgreSQL's own message when it does not start", async () => {
    await (await start()).stop()
    await rm(join(dataDir, "postgres", "data", "global", "pg_control"))
    const error = await refusal(start())
    expect(error.code).to.equal("START_FAILED")
    expect(error.message).to.include("pg_control")
  })
})

async function refusal(attempt: Promise<unknown>) {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof EmbeddedPostgresError) return error
  throw new Error("not refused", { cause: error })
}

async function ready(child: ChildProcess) {
  const [text] = await Promise.race([once(child.stdout ?? child, "data"), once(child, "exit")])
  expect(String(text)).to.equal("ready\n")
}
