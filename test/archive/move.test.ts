import { createHash } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  ArchiveError,
  type ArchiveResult,
  AuthorityPermission,
  AuthorityProof,
  AuthorityType,
  ChainStatusSchema,
  connect,
  create,
  RevocationMode,
  type RevokedRecord,
  RevokedRecordSchema,
  SignatureStatus,
  type TrustLineageChain,
  type TrustRegistry,
  timestampFromDate,
  VerificationLevel,
  verifyDocuments,
} from "@trust-registry/client"
import { generateKeyPair, usualPermissions } from "@trust-registry/eatp"
import { TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, failureOf } from "../support/calls.js"
import { trustRegistry } from "../support/commandLine.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { signerOf, trustWorld, type World } from "../support/trustWorld.js"
import { until } from "../support/until.js"

/** What is asked of each agent. */
const AGENTS = [
  "root",
  "revoked",
  "below-revoked",
  "suspended",
  "below-suspended",
  "lifted",
  "delegated",
  "delegation-revoked",
  "capability-revoked",
  "graceful",
  "graceful-past",
  "deleted",
  "below-deleted",
  "purged",
  "below-purged",
  "expiring",
  "below-expired",
  "by-hand",
  "inactive-authority",
  "leaked-key",
  "compromised-key",
] as const

describe("an archive", () => {
  let source: TestRegistry
  let old: TrustRegistry
  let world: World
  let folder: string
  let file: string
  const targets: { server: TestRegistry; registry: TrustRegistry }[] = []

  before(async () => {
    source = await startRegistry({ logLevel: "error" })
    old = connect(source.address)
    folder = mkdtempSync(join(tmpdir(), "archive-"))
    file = join(folder, "registry.archive")
    world = trustWorld(BigInt(Date.now()) * 1000n)
    await fill()
    writeFileSync(file, await archive())
  })
  afterEach(async () => {
    for (const { server, registry } of targets.splice(0)) {
      registry.close()
      await server.stop()
    }
  })
  after(async () => {
    old.close()
    await source.stop()
    rmSync(folder, { recursive: true })
  })

  async function fresh(changes: Parameters<typeof startRegistry>[0] = {}) {
    const server = await startRegistry({ logLevel: "error", ...changes })
    const registry = connect(server.address)
    targets.push({ server, registry })
    return { server, registry }
  }

  async function archive(options = {}) {
    let text = ""
    for await (const line of old.exportArchive(options)) text += line
    return text
  }

  async function moved(registry: TrustRegistry, from = file) {
    const results: ArchiveResult[] = []
    for await (const result of registry.importArchive(from)) results.push(result)
    return results
  }
  const refusals = (results: ArchiveResult[]) =>
    results.filter(({ error }) => error).map(({ kind, id, error }) => `${kind} ${id}: ${error?.message}`)

  /** Registers an authority with a key of its own for each signer. */
  async function authority(id: string, keys = [id], parent?: string) {
    await old.registerAuthority({
      authority: {
        id,
        name: id,
        authorityType: AuthorityType.ORGANIZATION,
        permissions: [...usualPermissions(), AuthorityPermission.CREATE_SUBORDINATE_AUTHORITIES],
        keys: keys.map((name) => ({ keyId: name, publicKey: signerOf(name).publicKey })),
        ...(parent && { parentAuthorityId: parent }),
      },
    })
    for (const name of keys)
      world.authorities.set(id, { id, keys: [{ publicKey: signerOf(name).publicKey }] })
  }

  /** Registers an authority that signs each of its documents; its first parent comes to be below it. */
  async function signedAuthority() {
    const [one, two] = [signerOf("org-own"), signerOf("org-own 2")]
    await authority("org-turn")
    const keys = [{ keyId: "one", publicKey: one.publicKey }]
    const parentAuthorityId = "org-turn"
    const permissions = [AuthorityPermission.CREATE_SUBORDINATE_AUTHORITIES]
    const own = {
      id: "org-own",
      name: "Own",
      authorityType: AuthorityType.SYSTEM,
      keys,
      parentAuthorityId,
      permissions,
    }
    await old.registerAuthority({ authority: own }, { signers: [one] })
    const rotation = { authorityId: "org-own", keyId: "two", publicKey: two.publicKey }
    await old.rotateAuthorityKey(rotation, { signers: [one, two] })
    const top = { authority: { id: "org-own" }, updateMask: { paths: ["parent_authority_id"] } }
    await old.updateAuthority(top, { signers: [two] })
    await old.updateAuthority({ authority: { id: "org-turn", parentAuthorityId: "org-own" } })
  }

  async function fill() {
    const store = async (chain: TrustLineageChain, changes = {}) =>
      await old.storeChain({ chain, ...changes })
    const establish = async (id: string, authorityId = "org-z", changes = {}) =>
      await store(await world.establish(id, { authorityId }), changes)
    const below = async (delegator: string, id: string) => await store(await world.delegate(delegator, id))
    // A parent whose id comes after its child's.
    await authority("org-z")
    await authority("org-b", ["org-b"], "org-z")
    for (const id of ["org-idle", "org-leaked", "org-compromised"]) await authority(id)
    await signedAuthority()
    for (const id of [
      "revoked",
      "suspended",
      "lifted",
      "graceful",
      "graceful-past",
      "deleted",
      "purged",
      "by-hand",
    ])
      await establish(id)
    await establish("root", "org-b")
    await establish("capability-revoked")
    await establish("expiring", "org-z", { expiresAt: timestampFromDate(new Date(Date.now() + 4_000)) })
    await establish("inactive-authority", "org-idle")
    await establish("leaked-key", "org-leaked")
    await establish("compromised-key", "org-compromised")
    const [moment] = await source.sql`select clock_timestamp() as now`
    await below("root", "delegated")
    await below("root", "delegation-revoked")
    for (const id of ["revoked", "suspended", "deleted", "purged"]) await below(id, `below-${id}`)
    await below("expiring", "below-expired")
    const { SUSPEND, GRACEFUL } = RevocationMode
    const at = (ms: number) => timestampFromDate(new Date(Date.now() + ms))
    await old.revokeAgent({ agentId: "revoked", reason: "sold" })
    await old.revokeAgent({ agentId: "suspended", mode: SUSPEND })
    const lifted = await old.revokeAgent({ agentId: "lifted", mode: SUSPEND })
    await old.liftSuspension({ revocationId: lifted.revocation?.revocationId ?? "" })
    const chain = world.chains.get("delegation-revoked")?.chain
    await old.revokeDelegation({
      agentId: "delegation-revoked",
      delegationId: chain?.delegations[0]?.id ?? "",
    })
    const { capabilities = [] } = world.chains.get("capability-revoked")?.chain ?? {}
    await old.revokeCapability({ agentId: "capability-revoked", capabilityId: capabilities[0]?.id ?? "" })
    await old.revokeAgent({ agentId: "graceful", mode: GRACEFUL, effectiveAt: at(3_600_000) })
    await old.revokeAgent({ agentId: "graceful-past", mode: GRACEFUL, effectiveAt: at(1_000) })
    await old.deleteChain({ agentId: "deleted" })
    await old.purgeChain({ agentId: "purged" })
    await source.sql`update trust_chains set status = 'suspended', is_active = false where agent_id = 'by-hand'`
    await old.deactivateAuthority({ authorityId: "org-idle" })
    await old.revokeKey({ authorityId: "org-leaked", keyId: "org-leaked" })
    await old.revokeKey({
      authorityId: "org-compromised",
      keyId: "org-compromised",
      compromisedAt: timestampFromDate(moment?.now),
    })
    await until("what expires has expired", async () => !(await verdict(old, "expiring")).endsWith(", valid"))
    await until(
      "the graceful revocation took effect",
      async () => !(await verdict(old, "graceful-past")).endsWith(", valid"),
    )
  }

  /** The answers to both questions, and what a reader gets. */
  async function verdict(
    registry: TrustRegistry,
    agentId: string,
    level: VerificationLevel = VerificationLevel.FULL,
  ) {
    const asked = {
      agentId,
      action: "read_data",
      consistency: { requirement: { case: "strong" as const, value: true } },
    }
    const { valid } = await registry.verifyTrust({ ...asked, level })
    const allowed = await registry.checkAuthority(asked).then(
      (answer) => answer.authorized,
      () => false,
    )
    return `${allowed ? "allowed" : "denied"}, ${valid ? "valid" : "invalid"}`
  }
  const statusOf = async (registry: TrustRegistry, agentId: string) => {
    const request = { agentId, includeInactive: true }
    return await registry.getChain(request).then(
      ({ record }) => ChainStatusSchema.value[record?.status ?? 0]?.localName,
      (error) => error.reason as string,
    )
  }

  it("moves a registry: both questions have the same answers, and every chain its state", async () => {
    const { registry } = await fresh()
    const results = await moved(registry)
    expect(refusals(results)).to.deep.equal([])
    const answers = async (asked: TrustRegistry) =>
      new Map(
        await Promise.all(
          AGENTS.map(
            async (id): Promise<[string, { quick: string; full: string; status: string | undefined }]> => {
              const [quick, full] = [
                await verdict(asked, id, VerificationLevel.QUICK),
                await verdict(asked, id),
              ]
              return [id, { quick, full, status: await statusOf(asked, id) }]
            },
          ),
        ),
      )
    const before = await answers(old)
    const after = await answers(registry)
    // What a compromised key signed was first stored now, as far as the new registry knows.
    expect(before.get("compromised-key")?.full).to.equal("allowed, valid")
    expect(after.get("compromised-key")?.full).to.equal("denied, invalid")
    for (const answered of [before, after]) answered.delete("compromised-key")
    expect(Object.fromEntries(after)).to.deep.equal(Object.fromEntries(before))
    const trusted = [...before].filter(([, { full }]) => full === "allowed, valid")
    expect(trusted.map(([id]) => id)).to.have.members([
      "root",
      "lifted",
      "delegated",
      "graceful",
      "inactive-authority",
    ])
  })

  it("moves contents, expiry of registrations, authorities and marks as they are", async () => {
    const { registry } = await fresh()
    await moved(registry)
    for await (const { record, chain } of old.listChains({ filter: { includeInactive: true } })) {
      const there = await registry.getChain({ agentId: record?.agentId ?? "", includeInactive: true })
      expect(there.chain).to.deep.equal(chain)
      for (const name of ["contentHash", "expiresAt", "revokesAt", "status"] as const)
        expect(there.record?.[name], name).to.deep.equal(record?.[name])
    }
    for await (const { record, authority } of old.listAuthorities({ includeInactive: true })) {
      const there = await registry.getAuthority({ authorityId: record?.authorityId ?? "" })
      expect(there.record?.isActive).to.equal(record?.isActive)
      const undated = (one = authority) =>
        one?.keys.map(({ revokedAt, ...key }) => ({ ...key, revoked: !!revokedAt }))
      expect(undated(there.authority)).to.deep.equal(undated())
    }
    const { signatureStatus } = (await registry.getChain({ agentId: "leaked-key" })).record ?? {}
    expect(signatureStatus).to.equal(SignatureStatus.UNVERIFIED)
  })

  it("moves the documents of authorities, which lead from the same pins to the same keys", async () => {
    const { registry } = await fresh()
    expect(refusals(await moved(registry))).to.deep.equal([])
    const [there, here] = [
      await old.authorityEvidence("org-own"),
      await registry.authorityEvidence("org-own"),
    ]
    expect(here.documents.map(({ hash }) => hash)).to.deep.equal(there.documents.map(({ hash }) => hash))
    expect(here.documents).to.have.length(3)
    expect(here.record?.proof).to.equal(AuthorityProof.SELF_SIGNED)
    const anchor = { authorityId: "org-own", publicKeys: [signerOf("org-own").publicKey] }
    expect(verifyDocuments(here, anchor).problem).to.equal(undefined)
    for (const id of ["org-z", "org-turn"])
      expect((await registry.getAuthority({ authorityId: id })).record?.proof).to.equal(
        AuthorityProof.UNSIGNED,
      )
  })

  it("whose documents of an authority were altered brings it UNSIGNED, and no forged document", async () => {
    const { registry } = await fresh()
    const forged = join(folder, "forged.archive")
    const lines = readFileSync(file, "utf8").trimEnd().split("\n")
    const at = lines.findIndex(
      (line) => line.includes('"authority_id":"org-own"') && line.startsWith('{"authority"'),
    )
    lines[at] =
      lines[at]?.replace(
        '"documents":[{"authority":{"id":"org-own","name":"Own"',
        '"documents":[{"authority":{"id":"org-own","name":"Not"',
      ) ?? ""
    const end = JSON.parse(lines.pop() ?? "")
    const text = lines.map((line) => `${line}\n`).join("")
    end.sha256 = createHash("sha256").update(text).digest("hex")
    writeFileSync(forged, `${text}${JSON.stringify(end)}\n`)
    expect(refusals(await moved(registry, forged))).to.deep.equal([])
    const { documents, record } = await registry.authorityEvidence("org-own")
    expect(record?.proof).to.equal(AuthorityProof.UNSIGNED)
    expect(documents).to.have.length(1)
    expect(documents[0]?.authority?.name).to.equal("Own")
    for (const { created } of await moved(registry, forged)) expect(created).to.be.a("boolean")
  })

  it("keeps what was revoked under its id, so that a suspension can be lifted, and nothing else", async () => {
    const { registry } = await fresh()
    await moved(registry)
    const found = []
    for await (const record of registry.listRevokedRecords({ agentId: "below-suspended" })) found.push(record)
    expect(found).to.have.length(1)
    expect(found[0]?.descendsFrom).to.equal("suspended")
    expect(found[0]?.revokedBy).to.match(/, importing what .+ revoked at \d{4}-/)
    await registry.liftSuspension({ revocationId: found[0]?.revocationId ?? "" })
    expect(await verdict(registry, "below-suspended")).to.equal("allowed, valid")
    expect((await failureOf(registry.restoreChain({ agentId: "revoked" }))).message).to.contain("revoked")
    expect(await verdict(registry, "revoked")).to.equal("denied, invalid")
  })

  it("is imported again without changing anything, also when it was made anew", async () => {
    const { server, registry } = await fresh()
    await moved(registry)
    const again = join(folder, "again.archive")
    writeFileSync(again, await archive())
    const newest = async () => {
      const [row] = await server.sql`select max(revision) as newest from trust_chain_revisions`
      return row?.newest
    }
    const before = await newest()
    for (const from of [file, again]) expect(refusals(await moved(registry, from))).to.deep.equal([])
    expect(await newest()).to.equal(before)
  })

  it("denies at every moment of an import what the source denies, and continues one that was interrupted", async () => {
    const { registry } = await fresh()
    const denied: string[] = []
    for (const id of AGENTS) if ((await verdict(old, id)) === "denied, invalid") denied.push(id)
    expect(denied).to.include.members(["below-expired", "below-purged", "below-deleted"])
    const { length } = (await moved((await fresh()).registry)).map(({ kind }) => kind)
    for (let stop = 1; stop < length; stop += 3) {
      let seen = 0
      for await (const _ of registry.importArchive(file)) if (++seen >= stop) break
      for (const id of denied)
        expect(await verdict(registry, id), `${id} after ${seen}`).to.equal("denied, invalid")
    }
    expect(refusals(await moved(registry))).to.deep.equal([])
    expect(await verdict(registry, "delegated")).to.equal("allowed, valid")
  })

  it("that was cut short or altered is refused, and nothing of it is stored", async () => {
    const { server, registry } = await fresh()
    const text = readFileSync(file, "utf8")
    const lines = text.split("\n")
    const wrong = {
      "cut short": text.slice(0, text.length / 2),
      "without its end": `${lines.slice(0, -2).join("\n")}\n`,
      "in the middle of its end": text.slice(0, -10),
      "with a line less": [...lines.slice(0, 3), ...lines.slice(4)].join("\n"),
      "with lines exchanged": [lines[0], lines[2], lines[1], ...lines.slice(3)].join("\n"),
      altered: text.replace('"REVOCATION_MODE_IMMEDIATE"', '"REVOCATION_MODE_SUSPEND"'),
      "with more after its end": `${text}${lines[1]}\n`,
      "of another version": text.replace('archive":1', 'archive":2'),
      empty: "",
      "no archive": `${lines[1]}\n`,
    }
    for (const [how, altered] of Object.entries(wrong)) {
      const bad = join(folder, "bad.archive")
      writeFileSync(bad, altered)
      expect(await failureOf(moved(registry, bad)), how).to.be.instanceOf(ArchiveError)
      // An empty file may as well be one without documents.
      const cli = await trustRegistry(["import", bad], { address: server.address })
      if (how !== "empty") expect(cli.code, how).to.be.oneOf([1, 4])
    }
    const [row] = await server.sql`select count(*)::int as count from trust_revocations`
    expect(row?.count).to.equal(0)
  })

  it("is as of one revision, whatever happens while it is made", async () => {
    const lines: string[] = []
    for await (const line of old.exportArchive()) {
      if (lines.push(line) === 1) {
        await old.storeChain({ chain: await world.establish("late", { authorityId: "org-z" }) })
        await old.revokeAgent({ agentId: "late" })
        await authority("org-late")
      }
    }
    try {
      expect(lines.filter((line) => line.includes("late"))).to.deep.equal([])
    } finally {
      await old.purgeChain({ agentId: "late" })
    }
  })

  it("carries the history where it is asked for", async () => {
    const changes = (await archive({ history: true }))
      .split("\n")
      .filter((line) => line.startsWith('{"change":'))
    const operations = changes.map((line) => JSON.parse(line).change)
    const of = (id: string) =>
      operations.filter(({ stored }) => stored.record.agent_id === id).map(({ operation }) => operation)
    expect(of("revoked")).to.deep.equal(["CHAIN_OPERATION_CREATED", "CHAIN_OPERATION_REVOKED"])
    expect(of("deleted")).to.deep.equal(["CHAIN_OPERATION_CREATED", "CHAIN_OPERATION_DELETED"])
  })

  it("reports what the registry has already and has otherwise, and leaves it", async () => {
    const { registry } = await fresh()
    const other = { keyId: "own", publicKey: generateKeyPair().publicKey }
    const own = { id: "org-idle", name: "own", authorityType: AuthorityType.HUMAN, keys: [other] }
    await registry.registerAuthority({ authority: own })
    const { chain } = world.chains.get("deleted") ?? {}
    await registry.storeChain({ ...(chain && { chain }) })
    const told = refusals(await moved(registry))
    expect(told[0]).to.match(/^authority org-idle: .*already registered/)
    expect(told.join("\n")).to.match(/^chain inactive-authority: .*invalid/m)
    expect(told.join("\n")).to.match(/^chain deleted: .*was expected at revision 0/m)
    expect(await statusOf(registry, "deleted")).to.equal("ACTIVE")
  })

  it("brings only what can be checked to a registry that requires signatures", async () => {
    const { registry } = await fresh({ requireSignatures: true })
    const told = refusals(await moved(registry))
    expect(told).to.have.length(3)
    expect(told.join("\n")).to.match(/^chain below-purged: .*"purged" has no stored chain here/m)
    expect(told.join())
      .to.contain("chain leaked-key")
      .and.contain("chain compromised-key")
      .and.contain("its key was revoked")
  })

  it("moves by the command line, from standard output to standard input", async () => {
    const { server, registry } = await fresh()
    const exported = await trustRegistry(["export", "--address", source.address, "--all"])
    expect(exported.code).to.equal(0)
    expect(exported.err).to.match(
      /archive of \d+ chains, \d+ authorities, \d+ revoked records, \d purged, as of revision \d+;/,
    )
    const imported = await trustRegistry(["import"], { address: server.address, stdin: exported.out })
    expect(imported.err.replaceAll(/^\d+ entries, \d+\/s\n/gm, "")).to.equal("")
    expect(imported.out).to.match(/^\d+ created, \d+ unchanged, 0 refused; 3 UNVERIFIED\n$/)
    expect(imported.code).to.equal(0)
    for (const id of ["revoked", "below-revoked", "leaked-key"])
      expect(await verdict(registry, id)).to.equal("denied, invalid")
    const part = await trustRegistry(["export", "--prefix", "x"], { address: source.address })
    expect(part).to.include({ code: 2 })
    expect(part.err).to.contain("--prefix selects chains, and an archive is whole: add --documents")
    const documents = await trustRegistry(["export", "--documents", "--prefix", "root"], {
      address: source.address,
    })
    expect(documents.err).to.contain("what is revoked here is trusted where they are imported")
  })

  it("is refused where standard input is empty, or ends before it can be told what it is", async () => {
    for (const stdin of ["", '{"tru']) {
      const { code, err } = await trustRegistry(["import"], { address: source.address, stdin })
      expect(code).to.equal(4)
      expect(err).to.match(/^INVALID_ARCHIVE: stdin: .*nothing was imported$/m)
    }
  })

  it("moves one authority by `authority get` and `authority register`, and keeps its revoked key revoked", async () => {
    const { server, registry } = await fresh()
    const ids = ["org-leaked", "org-compromised", "org-idle"]
    const got = await trustRegistry(["authority", "get", ...ids], { address: source.address })
    const run = await trustRegistry(["authority", "register"], { address: server.address, stdin: got.out })
    expect(run).to.include({ code: 0, err: "" })
    for (const authorityId of ids) {
      const [there, here] = [
        await old.getAuthority({ authorityId }),
        await registry.getAuthority({ authorityId }),
      ]
      expect(here.record?.isActive).to.equal(there.record?.isActive)
      expect(!!here.authority?.keys[0]?.revokedAt).to.equal(authorityId !== "org-idle")
      expect(here.authority?.keys[0]?.compromisedAt).to.deep.equal(there.authority?.keys[0]?.compromisedAt)
    }
    const { chain } = world.chains.get("leaked-key") ?? {}
    expect((await failureOf(registry.storeChain({ ...(chain && { chain }) }))).message).to.contain(
      "its key was revoked",
    )
  })

  it("has only tombstones that can be, named where one cannot", async () => {
    const { server } = await fresh()
    const line = connectTo(server.address)
    const chains = line.calls(TrustStoreService)
    const answered: unknown[] = []
    const tombstones = [{ agentId: "" }, { agentId: "x", chainHash: "y" }, { agentId: "x" }, { agentId: "x" }]
    async function* requests() {
      for (const purged of tombstones) yield { purged }
      yield { purged: { agentId: "y" }, request: {} }
    }
    for await (const { result } of chains.importChains(requests()))
      answered.push(
        result?.result.case === "error" ? result.result.value.message : result?.result.value?.created,
      )
    line.close()
    expect(answered).to.deep.equal([
      "agent_id: is empty",
      "purged.chain_hash: is not a lowercase SHA-256",
      true,
      false,
      "request: is not allowed with purged",
    ])
  })

  it("has only revoked records that can be, named where one cannot", async () => {
    const { registry } = await fresh()
    const record = create(RevokedRecordSchema, {
      revocationId: crypto.randomUUID(),
      kind: 1,
      agentId: "x",
      mode: 1,
    })
    const refuse = async (records: RevokedRecord[]) =>
      (await failureOf(registry.importRevokedRecords({ records }))).message
    const now = timestampFromDate(new Date())
    const later = timestampFromDate(new Date(Date.now() + 3_600_000))
    expect(await refuse([record, { ...record, kind: 0 as const }])).to.contain("records[1].kind: is 0")
    expect(await refuse([{ ...record, revocationId: "x" }])).to.contain(
      "records[0].revocation_id: is not a UUID",
    )
    expect(await refuse([{ ...record, mode: 0 as const }])).to.contain("records[0].mode: is 0")
    expect(await refuse([{ ...record, mode: 2 as const }])).to.contain("records[0].effective_at: is missing")
    expect(await refuse([{ ...record, agentId: "" }])).to.contain("records[0].agent_id: is empty")
    expect(await refuse([{ ...record, authorityId: "y" }])).to.contain(
      "records[0].authority_id: is not allowed",
    )
    expect(await refuse([{ ...record, recordId: "y" }])).to.contain("records[0].record_id: is not allowed")
    expect(await refuse([{ ...record, liftedAt: now }])).to.contain("records[0].lifted_at: is set")
    const key = {
      ...record,
      kind: 4 as const,
      agentId: "",
      authorityId: "a",
      recordId: "k",
      compromisedAt: later,
    }
    expect(await refuse([key])).to.contain("records[0].compromised_at: is in the future")
    expect(await refuse(Array.from({ length: 501 }, () => record))).to.contain("at most 500")
    const { created, unchanged } = await registry.importRevokedRecords({ records: [record, record] })
    expect({ created, unchanged }).to.deep.equal({ created: 1n, unchanged: 1n })
  })
})
