import { rm } from "node:fs/promises"
import { join } from "node:path"
import { toJson } from "@bufbuild/protobuf"
import {
  AuthorityService,
  ChainStatus,
  GetAuthorityResponseSchema,
  GetChainResponseSchema,
  ListChainRevisionsResponseSchema,
  ListRevokedRecordsResponseSchema,
  RevocationService,
  TrustStoreService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo } from "../support/calls.js"
import { type FreshDatabase, freshDatabase, throwawayFolder } from "../support/postgres.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { validateWatch } from "../support/watchValidator.js"
import { AGENTS, fillRegistry, PURGED, REQUEST_ID } from "./fixture.js"
import { runProgram } from "./programs.js"

const SUPERUSER = "postgres"
const OWNER = "trust_registry"

describe("a registry restored from pg_dump", function () {
  // Each is a run of several programs and a start of a server.
  this.timeout(120_000)
  let source: TestRegistry
  let folder: string
  let expected: State
  before(async () => {
    folder = await throwawayFolder()
    source = await startRegistry()
    await fillRegistry(source)
    expected = await stateOf(source.address)
    await source.stopServer()
  })
  after(async () => {
    await source.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const dump = (...args: string[]) =>
    runProgram("pg_dump", [...args, ...placeOf(source.connection, SUPERUSER)])

  it("whole, in custom format, into an empty database", async () => {
    const file = join(folder, "registry.dump")
    await dump("--format=custom", `--file=${file}`)
    const target = await freshDatabase()
    const into = placeOf(target.connection, SUPERUSER)
    await runProgram("pg_restore", ["--exit-on-error", "--no-owner", `--role=${OWNER}`, ...into, file])
    await servesAsBefore(target)
  })

  it("whole, as plain SQL, by the owner of the database", async () => {
    const target = await freshDatabase()
    await psql(target, OWNER, await dump("--no-owner"))
    await servesAsBefore(target)
  })

  it("data only, into a database that the server has made", async () => {
    const target = await migrated()
    await psql(target, SUPERUSER, await dump(...DATA_ONLY, "--disable-triggers"))
    await servesAsBefore(target)
  })

  it("data only with triggers: refused as a whole, since they would make history anew", async () => {
    const target = await migrated()
    const failure = await psql(target, OWNER, await dump(...DATA_ONLY)).catch((error: Error) => error.message)
    expect(failure).to.match(/duplicate key|violates/)
    await psql(target, SUPERUSER, await dump(...DATA_ONLY, "--disable-triggers"))
    await servesAsBefore(target)
  })

  it("into another schema: the server makes its functions anew there", async () => {
    const target = await freshDatabase()
    await psql(target, OWNER, await dump("--no-owner"))
    await psql(
      target,
      SUPERUSER,
      `
      alter schema public rename to "Trust registry";
      create schema public;
      alter role ${OWNER} in database ${target.name} set search_path = "Trust registry"`,
    )
    await servesAsBefore(target)
  })

  /** Serves what it served before the dump, and goes on. */
  async function servesAsBefore(target: FreshDatabase) {
    const registry = await startRegistry({}, target)
    const line = connectTo(registry.address)
    const chains = line.calls(TrustStoreService)
    try {
      expect(await stateOf(registry.address)).to.deep.equal(expected)
      const watch = validateWatch((request, signal) => chains.watchChains(request, { signal }), {
        startRevision: 1n,
        filter: { includeInactive: true },
      })
      const again = await chains.storeChain({ chain: expected.rootChain, requestId: REQUEST_ID })
      expect(again.record?.revision).to.equal(expected.rootRevision)
      const { record } = await chains.storeChain({ chain: sampleChain("new") })
      expect(Number(record?.revision)).to.be.above(Number(expected.newest))
      const { revocation } = await line.calls(RevocationService).revokeAgent({ agentId: "root" })
      expect(revocation?.records.map(({ agentId }) => agentId)).to.deep.equal(["root", "leaf", "mid"])
      await byHand(registry)
      const { stored } = await chains.getChain({ agentId: "new", includeInactive: true, ...STRONG })
      expect(stored?.record?.status).to.equal(ChainStatus.DELETED)
      await watch.reachesHead(registry.sql)
      await watch.agreesWith(registry.sql)
      await watch.stop()
    } finally {
      line.close()
      await registry.stop()
    }
  }
})

const STRONG = { consistency: { requirement: { case: "strong", value: true } } } as const
const DATA_ONLY = ["--data-only", "--exclude-table=*.trust_migrations"]

/** Whatever the search path of the session is, triggers find our tables. */
async function byHand({ sql }: TestRegistry) {
  const [place] = await sql<{ schema: string }[]>`select current_schema() as schema`
  await sql.begin(async (transaction) => {
    await transaction`set local search_path = ''`
    await transaction`update ${sql(place?.schema ?? "")}.trust_chains set is_active = false where agent_id = 'new'`
  })
}

/** All that callers can read, as JSON. */
async function stateOf(address: string) {
  const line = connectTo(address)
  const chains = line.calls(TrustStoreService)
  const found = await Promise.all(
    AGENTS.map(async (agentId) => await chains.getChain({ agentId, includeInactive: true })),
  )
  const checks = await Promise.all(AGENTS.map((agentId) => chains.verifyChainIntegrity({ agentId })))
  const histories = await Promise.all(
    [...AGENTS, PURGED].map((agentId) => chains.listChainRevisions({ agentId })),
  )
  const authorities = ["org-a", "org-child"].map((authorityId) =>
    line.calls(AuthorityService).getAuthority({ authorityId }),
  )
  const revoked = await line.calls(RevocationService).listRevokedRecords({})
  const [root] = found
  const state = {
    chains: found.map((response) => toJson(GetChainResponseSchema, response)),
    sound: checks.map(({ verified }) => verified),
    histories: histories.map((response) => toJson(ListChainRevisionsResponseSchema, response)),
    authorities: (await Promise.all(authorities)).map((answer) => toJson(GetAuthorityResponseSchema, answer)),
    revoked: toJson(ListRevokedRecordsResponseSchema, revoked),
    rootChain: root?.stored?.chain ?? {},
    rootRevision: root?.stored?.record?.revision,
    newest: revoked.records[0]?.revision,
  }
  line.close()
  return state
}

type State = Awaited<ReturnType<typeof stateOf>>

/** A database with our schema, as the server leaves it. */
async function migrated() {
  const target = await freshDatabase()
  const registry = await startRegistry({}, target)
  await registry.stopServer()
  await registry.sql.end()
  return target
}

async function psql(target: FreshDatabase, user: string, script: string) {
  const args = [
    "-X",
    "-q",
    "--single-transaction",
    "-v",
    "ON_ERROR_STOP=1",
    ...placeOf(target.connection, user),
  ]
  await runProgram("psql", args, script)
}

/** Where a database is, for PostgreSQL's programs. */
function placeOf({ host, database }: { host: string; database: string }, user: string) {
  return ["-h", host, "-U", user, "-d", database]
}
