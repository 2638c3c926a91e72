import { once } from "node:events"
import { readFileSync } from "node:fs"
import { type AddressInfo, connect, createServer, type Server } from "node:net"
import { createSecureContext, TLSSocket } from "node:tls"
import { fileURLToPath } from "node:url"
import { TrustStoreService } from "@trust-registry/proto"
import { type Connection, createLog, defaultConfig, startServer } from "@trust-registry/server"
import { expect } from "chai"
import postgres from "postgres"
import { openPool } from "../../server/dist/store/database/sql.js"
import { connectTo } from "../support/calls.js"
import { type FreshDatabase, freshDatabase, ownCluster } from "../support/postgres.js"
import { sampleChain } from "../support/sample.js"
import { startTcpProxy } from "../support/tcpProxy.js"

const start = (connection: Connection, changes = {}) =>
  startServer({
    config: defaultConfig({ listen: { host: "127.0.0.1", port: 0 }, logLevel: "silent", ...changes }),
    log: createLog("silent"),
    connection,
  })

/** Why a start failed. */
const refusal = async (connection: Connection, changes = {}) =>
  await start(connection, changes).then(
    async (server) => {
      await server.stop()
      return "it started"
    },
    (error: Error) => error.message,
  )

describe("a session", () => {
  let database: FreshDatabase
  let sql: postgres.Sql

  beforeEach(async () => {
    database = await freshDatabase()
    sql = postgres({ ...database.connection, max: 1, onnotice: () => {} })
  })
  afterEach(async () => {
    await sql.end({ timeout: 1 })
    await database.drop()
  })

  const set = async (name: string, value: string) =>
    await sql.unsafe(`alter database ${database.name} set ${name} = ${value}`)

  const PINS: [name: string, other: string, needed: string][] = [
    ["default_transaction_isolation", "'repeatable read'", "read committed"],
    ["array_nulls", "off", "on"],
    ["synchronous_commit", "off", "on"],
    ["lock_timeout", "'7s'", "0"],
    ["statement_timeout", "'7s'", "0"],
    ["idle_session_timeout", "'70s'", "0"],
    ["DateStyle", "'SQL, DMY'", "ISO, MDY"],
    ["TimeZone", "'Asia/Kolkata'", "UTC"],
    ["IntervalStyle", "iso_8601", "postgres"],
    ["bytea_output", "escape", "hex"],
    ["standard_conforming_strings", "off", "on"],
    ["transform_null_equals", "on", "off"],
    ["gin_fuzzy_search_limit", "5", "0"],
    ["client_encoding", "LATIN1", "UTF8"],
  ]

  it("has the settings that correctness needs, whatever its database says", async () => {
    for (const [name, other] of PINS) await set(name, other)
    const pool = openPool(database.connection, 1, () => undefined)
    try {
      for (const [name, , needed] of PINS)
        expect(await pool`select current_setting(${name}) as value`, name).to.deep.equal([{ value: needed }])
    } finally {
      await pool.end({ timeout: 1 })
    }
    const server = await start(database.connection)
    const { calls, close } = connectTo(server.address)
    await calls(TrustStoreService).storeChain({ chain: sampleChain("ann") })
    close()
    await server.stop()
  })

  it("of a role that wants stronger durability keeps it", async () => {
    await set("synchronous_commit", "remote_apply")
    const pool = openPool(database.connection, 1, () => undefined)
    expect(await pool`show synchronous_commit`).to.deep.equal([{ synchronous_commit: "remote_apply" }])
    await pool.end({ timeout: 1 })
  })

  it("that may not write is refused with setting, value and remedy", async () => {
    await set("default_transaction_read_only", "on")
    const why = await refusal(database.connection, { databaseStartTimeoutMs: 300 })
    expect(why).to.match(/waited \d+ ms: .*default_transaction_read_only is on: set it to off/)
  })

  it("with another search_path makes no second registry, unless its URL asks for one", async () => {
    await (await start(database.connection)).stop()
    await sql.unsafe("create schema elsewhere")
    for (const path of ["elsewhere", "''", "nowhere"]) {
      await set("search_path", path)
      expect(await refusal(database.connection), path)
        .to.match(/cannot be used: the setting search_path is/)
        .and.include("{public}")
    }
    const { host, username } = database.connection
    const url = `postgres:///${database.name}?user=${username}&host=${encodeURIComponent(host)}`
    expect(await refusal(`${url}&options=-csearch_path%3Delsewhere`)).to.equal("it started")
    expect(await refusal(`${url}&options=-csearch_path%3Dpublic`)).to.equal("it started")
  })

  it("keeps to the registry's schema when the search_path changes meanwhile", async () => {
    const server = await start(database.connection)
    const { calls, close } = connectTo(server.address)
    await calls(TrustStoreService).storeChain({ chain: sampleChain("ann") })
    await sql.unsafe("create schema elsewhere")
    await set("search_path", "elsewhere")
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${database.name} and pid <> pg_backend_pid()`
    expect((await calls(TrustStoreService).countChains({})).count).to.equal(1n)
    close()
    await server.stop()
  })

  it("gives no row of another key: the connection is dropped and the database asked again", async () => {
    let lies = 0
    const proxy = createServer((near) => {
      const far = connect(database.connection.path)
      near.on("error", () => far.destroy()).pipe(far)
      far.on("error", () => near.destroy()).on("end", () => near.end())
      far.on("data", (chunk) => {
        const text = chunk.toString("latin1")
        const lie = lies > 0 && text.includes("agent-one")
        if (lie) lies--
        near.write(lie ? Buffer.from(text.replaceAll("agent-one", "agent-two"), "latin1") : chunk)
      })
    }).listen(0, "127.0.0.1")
    await once(proxy, "listening")
    const { port } = proxy.address() as AddressInfo
    const server = await start({ ...database.connection, host: "127.0.0.1", port }, { cacheEntries: 0 })
    const { calls, close } = connectTo(server.address)
    await calls(TrustStoreService).storeChain({ chain: sampleChain("agent-one") })
    const ask = [
      async () => (await calls(TrustStoreService).getChain({ agentId: "agent-one" })).stored?.record,
      async () =>
        (await calls(TrustStoreService).listChainRevisions({ agentId: "agent-one" })).revisions[0]?.stored
          ?.record,
    ]
    for (const question of ask) {
      lies = 1
      expect((await question())?.agentId).to.equal("agent-one")
      expect(lies).to.equal(0)
    }
    close()
    await server.stop()
    proxy.close()
  })
})

describe("one of several hosts", () => {
  it("serves where the first cannot, and no other is asked where one refuses the login", async () => {
    const database = await freshDatabase()
    const [good, other] = [
      await startTcpProxy(database.connection.path),
      await startTcpProxy(database.connection.path),
    ]
    const { username } = database.connection
    const hosts = (first: number) => `127.0.0.1:${first},127.0.0.1:${good.port}`
    expect(await refusal(`postgres://${username}@${hosts(1)}/${database.name}`)).to.equal("it started")
    const before = good.opened
    expect(before).to.be.greaterThan(0)
    expect(await refusal(`postgres://nobody@${hosts(other.port)}/${database.name}`)).to.include(
      'role "nobody" does not exist',
    )
    expect(good.opened).to.equal(before)
    for (const proxy of [good, other]) proxy.close()
    await database.drop()
  })
})

describe("an encrypted session", () => {
  const tls = (name: string) => fileURLToPath(new URL(`../support/tls/${name}`, import.meta.url))
  let database: FreshDatabase
  let front: Server

  /** TLS before a PostgreSQL that has none. */
  beforeEach(async () => {
    database = await freshDatabase()
    const context = createSecureContext({
      cert: readFileSync(tls("server.pem")),
      key: readFileSync(tls("server.key")),
    })
    front = createServer((near) => {
      near
        .on("error", () => near.destroy())
        .once("data", () => {
          near.write("S")
          const inside = new TLSSocket(near, { isServer: true, secureContext: context })
          const far = connect(database.connection.path)
          inside.on("error", () => far.destroy()).on("close", () => far.destroy())
          far.on("error", () => inside.destroy()).on("close", () => inside.destroy())
          inside.pipe(far).pipe(inside)
        })
    })
    await once(front.listen(0, "127.0.0.1"), "listening")
  })
  afterEach(async () => {
    front.close()
    await database.drop()
  })

  const url = (host: string, parameters: string) => {
    const { port } = front.address() as AddressInfo
    return `postgres://${database.connection.username}@${host}:${port}/${database.name}?${parameters}`
  }

  it("is checked against a private authority and the host's name", async () => {
    const root = `sslrootcert=${tls("ca.pem")}`
    expect(await refusal(url("localhost", `sslmode=verify-full&${root}`))).to.equal("it started")
    expect(await refusal(url("other.example", `hostaddr=127.0.0.1&sslmode=verify-ca&${root}`))).to.equal(
      "it started",
    )
    expect(await refusal(url("other.example", `hostaddr=127.0.0.1&sslmode=verify-full&${root}`)))
      .to.include("no trustworthy TLS connection to other.example")
      .and.not.include("waited")
    expect(await refusal(url("localhost", "sslrootcert=system"))).to.include("no trustworthy TLS connection")
    expect(await refusal(url("localhost", "sslmode=verify-full&sslrootcert=/nowhere.pem"))).to.include(
      "the file of sslrootcert",
    )
  })

  it("is demanded of a server that has none", async () => {
    const plain = createServer((near) =>
      near.on("error", () => near.destroy()).once("data", () => near.write("N")),
    )
    await once(plain.listen(0, "127.0.0.1"), "listening")
    const { port } = plain.address() as AddressInfo
    expect(await refusal(`postgres://ann@127.0.0.1:${port}/db?sslmode=require`)).to.include(
      "does not encrypt",
    )
    plain.close()
  })
})

describe("a database", () => {
  it("that silences triggers or has another encoding is refused by the name of the setting", async () => {
    const cluster = await ownCluster()
    const admin = postgres({ ...cluster.superuser, max: 1, onnotice: () => {} })
    try {
      const { database, username } = cluster.connection
      await admin.unsafe(
        `create database ascii owner ${username} encoding 'SQL_ASCII' template template0 locale 'C'`,
      )
      expect(await refusal({ ...cluster.connection, database: "ascii" })).to.include(
        'the setting server_encoding is "SQL_ASCII": create the database with encoding',
      )
      await admin.unsafe(`alter database ${database} set session_replication_role = replica`)
      expect(await refusal(cluster.connection)).to.include(
        'the setting session_replication_role is "replica": set it back',
      )
    } finally {
      await admin.end({ timeout: 1 })
      await cluster.end()
    }
  })

  for (const [what, greeting] of [
    ["SSH", "SSH-2.0-OpenSSH_9.2p1\r\n"],
    ["HTTP", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"],
    ["SMTP", "220 mail.example ESMTP\r\n"],
  ] as const)
    it(`that is something else, ${what}, is refused at once and without a word about waiting`, async () => {
      const other = createServer((socket) => socket.on("error", () => socket.destroy()).write(greeting))
      await once(other.listen(0, "127.0.0.1"), "listening")
      const { port } = other.address() as AddressInfo
      for (const mode of ["prefer", "disable"]) {
        const why = await refusal(`postgres://ann:s3cret@127.0.0.1:${port}/db?sslmode=${mode}`)
        expect(why).to.include(`what answers at 127.0.0.1:${port} does not speak PostgreSQL's protocol`)
        expect(why).to.not.include("waited").and.not.include("s3cret")
      }
      other.close()
    })

  it("that never says a word is given up at the bound", async () => {
    const silent = createServer((socket) => socket.on("error", () => socket.destroy()))
    await once(silent.listen(0, "127.0.0.1"), "listening")
    const { port } = silent.address() as AddressInfo
    const url = `postgres://ann:s3cret@127.0.0.1:${port}/db?connect_timeout=1`
    expect(await refusal(url, { databaseStartTimeoutMs: 500 })).to.match(
      /waited \d+ ms: .*gave no session within 1000 ms/,
    )
    silent.close()
  })
})
