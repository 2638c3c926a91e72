import { createHash, randomUUID } from "node:crypto"
import { expect } from "chai"
import type { Depends, Write } from "../../server/dist/store/chains/writes.js"
import { isActive, revocationsOf, type ServedChain } from "../../server/dist/store/rows/servedChain.js"
import { createStore, type Store } from "../../server/dist/store/store.js"
import { type FreshDatabase, freshDatabase } from "../support/postgres.js"

const NO_DEPENDS: Depends = { chains: new Map(), authorities: new Map() }

describe("a store", () => {
  let database: FreshDatabase
  let store: Store

  before(async () => {
    database = await freshDatabase()
  })
  beforeEach(async () => {
    store = createStore({
      connection: database.connection,
      maxConnections: 6,
      timeoutMs: 10_000,
      cacheEntries: 1_000,
      cacheMaxAgeMs: 600_000,
      maxWaitingWrites: 100,
      historyRetentionMs: 0,
      onEvent: () => {},
    })
    await store.migrate(10_000)
    store.monitor.probeNow()
    await store.monitor.whenAvailable(10_000)
    await store.feed.reached(0n, AbortSignal.timeout(10_000))
  })
  afterEach(() => store.close(0))
  after(() => database.drop())

  const stored = async (agentId: string, changes: Partial<Write["document"]> = {}) =>
    await store.chains.write(writeOf(agentId, changes))
  const register = async (authorityId: string) =>
    await store.authorities.write({
      operation: "register",
      authorityId,
      requestId: randomUUID(),
      requestHash: "hash",
      actor: "test",
      expectedRevision: undefined,
      document: {
        json: JSON.stringify({ id: authorityId, keys: [{ key_id: "key", public_key: publicKey() }] }),
        proof: null,
        selfSigned: false,
      },
    })
  const revoke = async (
    agentId: string,
    mode: "immediate" | "suspend" = "suspend",
    requestId = randomUUID(),
  ) =>
    await store.revocations.revoke({
      kind: "agent",
      agentId,
      recordId: "",
      mode,
      reason: "",
      requestId,
      requestHash: "hash",
      actor: "test",
    })

  describe("whose feed has stopped drops from memory what it changes", () => {
    beforeEach(() => store.feed.close())

    it("by a write, whether or not the chain was in memory", async () => {
      expect(await store.chains.get("written")).to.equal(null)
      const first = await stored("written")
      expect(first.outcome).to.equal("created")
      expect((await store.chains.get("written"))?.revision).to.equal(first.record?.revision)
      expect(store.chains.get("written")).not.to.be.instanceOf(Promise)
      const second = await stored("written", { chainHash: "other" })
      expect((await store.chains.get("written"))?.revision).to.equal(second.record?.revision)
      expect(second.record?.revision).to.equal((first.record?.revision ?? 0n) + 1n)
    })

    it("by a batch", async () => {
      const ids = ["together-1", "together-2"]
      for (const id of ids) expect(await store.chains.get(id)).to.equal(null)
      const { outcomes } = await store.chains.writeAll(ids.map((id) => writeOf(id)))
      expect(outcomes?.map(({ outcome }) => outcome)).to.deep.equal(["created", "created"])
      for (const id of ids) expect((await store.chains.get(id))?.status).to.equal("active")
    })

    it("by a failed write, since it may have been committed", async () => {
      await stored("failed")
      await store.chains.get("failed")
      expect(store.chains.get("failed")).not.to.be.instanceOf(Promise)
      const error = await stored("failed", { json: "no JSON" }).catch((thrown: Error) => thrown)
      expect(error).to.be.instanceOf(Error)
      expect(store.chains.get("failed")).to.be.instanceOf(Promise)
    })

    it("by a revocation or its lift", async () => {
      await stored("revoked")
      expect((await store.chains.get("revoked"))?.status).to.equal("active")
      const requestId = randomUUID()
      expect((await revoke("revoked", "suspend", requestId)).outcome).to.equal("revoked")
      expect((await store.chains.get("revoked"))?.status).to.equal("suspended")
      const lift = { revocationId: requestId, requestId: randomUUID(), actor: "test" }
      expect((await store.revocations.lift(lift)).outcome).to.equal("lifted")
      expect((await store.chains.get("revoked"))?.status).to.equal("active")
    })

    it("in authorities, by a write or a key revocation", async () => {
      expect(await store.authorities.get("org")).to.equal(null)
      await register("org")
      expect((await store.authorities.get("org"))?.signer.active).to.equal(true)
      await store.revocations.revoke({
        kind: "key",
        authorityId: "org",
        recordId: "key",
        mode: "immediate",
        reason: "",
        requestId: randomUUID(),
        requestHash: "hash",
        actor: "test",
      })
      expect((await store.authorities.get("org"))?.signer.keys[0]?.revoked).to.equal(true)
    })

    it("when told that memory is stale", async () => {
      await stored("stale")
      await register("stale-org")
      await Promise.all([store.chains.get("stale"), store.authorities.get("stale-org")])
      store.memory.forget({ chains: new Map([["stale", 1n]]), authorities: new Map([["stale-org", 1n]]) })
      expect(store.chains.get("stale")).to.be.instanceOf(Promise)
      expect(store.authorities.get("stale-org")).to.be.instanceOf(Promise)
    })
  })

  it("follows the feed for changes of chains and authorities by others", async () => {
    const other = createStore({
      connection: database.connection,
      maxConnections: 2,
      timeoutMs: 10_000,
      cacheEntries: 10,
      cacheMaxAgeMs: 600_000,
      maxWaitingWrites: 100,
      historyRetentionMs: 0,
      onEvent: () => {},
    })
    try {
      await other.feed.reached(0n, AbortSignal.timeout(10_000))
      expect(await other.chains.get("followed")).to.equal(null)
      expect(await other.authorities.get("followed-org")).to.equal(null)
      await stored("followed")
      const { row } = await register("followed-org")
      await other.feed.reached(row?.revision ?? 0n, AbortSignal.timeout(10_000))
      expect((await other.chains.get("followed"))?.status).to.equal("active")
      expect((await other.authorities.get("followed-org"))?.signer.active).to.equal(true)
    } finally {
      await other.close(0)
    }
  })

  it("reads each id once with strong, only after the reader was created, and fills memory", async () => {
    const { record } = await stored("strong")
    // A change that the feed reports during a read keeps it out of memory.
    await store.feed.reached(record?.revision ?? 0n, AbortSignal.timeout(10_000))
    const before = await store.chains.get("strong")
    const reader = store.strong(new AbortController().signal)
    const [first, again] = await Promise.all([reader.getChain("strong"), reader.getChain("strong")])
    expect(first).to.equal(again).and.not.equal(before)
    expect(store.chains.get("strong")).to.equal(first)
    expect(await store.strong(new AbortController().signal).getChain("strong")).not.to.equal(first)
  })

  it("answers concurrent reads of more keys than fit in one statement", async () => {
    const ids = ["large-1", "large-2", "large-3", "large-4"]
    await Promise.all(ids.map((id) => stored(id, { bytes: 1_500_000 })))
    const found = await Promise.all(ids.map((id) => store.chains.renew(id)))
    expect(found.map((chain) => chain?.chain().genesis?.agentId)).to.deep.equal(ids)
  })

  it("lists by a prefix that ends in any character", async () => {
    const prefixes = ["p\u007f", "p\ud7ff", "p\uffff", "p\u{10ffff}"]
    const outside = ["p", "p\u0080", "p\ue000", "p\u{10000}", "q"]
    for (const id of [...prefixes, ...prefixes.map((prefix) => `${prefix}x`), ...outside]) await stored(id)
    for (const prefix of prefixes) {
      const { rows } = await store.chains.list({
        filter: { agentIdPrefix: prefix } as never,
        after: "",
        offset: 0,
        limit: 100,
        maxBytes: 1_000_000,
        documents: true,
        now: 0n,
      })
      expect(rows.map(({ agent_id }) => agent_id)).to.deep.equal([prefix, `${prefix}x`])
    }
  })

  it("counts a chain as active up to and including the last moment of its expiry", async () => {
    const expiresAt = 4_000_000_000_000_000n
    await stored("expiring", { expiresAt })
    const filter = { agentIdPrefix: "expiring" } as never
    expect(await store.chains.count(filter, expiresAt)).to.equal(1n)
    expect(await store.chains.count(filter, expiresAt + 1n)).to.equal(0n)
    const expiringBy = (micros: bigint) =>
      ({ agentIdPrefix: "expiring", expiresBefore: { seconds: micros / 1_000_000n, nanos: 0 } }) as never
    expect(await store.chains.count(expiringBy(expiresAt), 0n), "expires before its expiry").to.equal(0n)
    expect(await store.chains.count(expiringBy(expiresAt + 1_000_000n), 0n)).to.equal(1n)
  })

  it("counts a chain as revoked from the moment of a graceful revocation", async () => {
    await stored("graceful")
    const effectiveAt = 4_000_000_000_000_000n
    const what = { kind: "agent", agentId: "graceful", recordId: "", mode: "graceful", effectiveAt } as const
    const common = { reason: "", requestId: randomUUID(), requestHash: "hash", actor: "test" }
    expect((await store.revocations.revoke({ ...what, ...common })).outcome).to.equal("revoked")
    const filter = { agentIdPrefix: "graceful" } as never
    expect(await store.chains.count(filter, effectiveAt - 1n)).to.equal(1n)
    expect(await store.chains.count(filter, effectiveAt)).to.equal(0n)
  })

  it("reads history up to and including a revision, and nothing after it", async () => {
    const { record: first } = await stored("past")
    const { record: second } = await stored("past", { chainHash: "other" })
    const at = (revision: bigint, micros: bigint) => store.at({ revision, micros }).getChain("past")
    const [one, two] = [first as NonNullable<typeof first>, second as NonNullable<typeof second>]
    expect((await at(one.revision, one.updated_at))?.revision).to.equal(one.revision)
    expect((await at(two.revision, two.updated_at))?.revision).to.equal(two.revision)
    expect(await at(one.revision - 1n, one.updated_at - 1n)).to.equal(null)
    expect((await store.at({ micros: one.updated_at }).getChain("past"))?.revision).to.equal(one.revision)
    expect(await store.at({ micros: one.updated_at - 1n }).getChain("past")).to.equal(null)
  })

  it("knows who was revoked at a revision: from the revocation until its lift", async () => {
    const requestId = randomUUID()
    await stored("was-revoked")
    const [revoked] = (await revoke("was-revoked", "suspend", requestId)).rows
    const lift = { revocationId: requestId, requestId: randomUUID(), actor: "test" }
    const [lifted] = (await store.revocations.lift(lift)).rows
    const [from, until] = [revoked?.revoked_at ?? 0n, lifted?.lifted_at ?? 0n]
    const goneAt = async (micros: bigint) => [...(await store.at({ micros }).goneAgents(["was-revoked"]))]
    expect(await goneAt(from - 1n)).to.deep.equal([])
    expect(await goneAt(from)).to.deep.equal(["was-revoked"])
    expect(await goneAt(until - 1n)).to.deep.equal(["was-revoked"])
    expect(await goneAt(until)).to.deep.equal([])
  })
})

function writeOf(agentId: string, changes: Partial<Write["document"]> = {}): Write {
  const json = JSON.stringify({ genesis: { agent_id: agentId, authority_id: "org" } })
  const hash = createHash("sha256")
    .update(json)
    .update(JSON.stringify(Object.keys(changes)))
    .digest("hex")
  return {
    operation: "store",
    agentId,
    requestId: randomUUID(),
    actor: "test",
    expectedRevision: undefined,
    document: {
      authorityId: "org",
      json,
      bytes: json.length,
      chainHash: hash,
      contentHash: hash,
      expiresAt: undefined,
      signatureStatus: "unverified",
      depends: NO_DEPENDS,
      ...changes,
    },
  }
}

function publicKey() {
  return Buffer.alloc(32, 7).toString("base64")
}

describe("a chain that is returned", () => {
  const chain: ServedChain = {
    bytes: Buffer.alloc(0),
    stored: Buffer.alloc(0),
    chain: () => {
      throw new Error("nobody asks for it")
    },
    revision: 1n,
    status: "active",
    expiresAt: null,
    revokesAt: 1_000_000n,
    documentRevision: 1n,
    verified: true,
    revocations: [
      { kind: "delegation", record_id: "at once", from: null },
      { kind: "delegation", record_id: "graceful", from: 1_000_000 },
      { kind: "capability", record_id: "other kind", from: null },
    ],
  }

  it("is active until its graceful revocation takes effect", () => {
    expect([999_999n, 1_000_000n].map((now) => isActive(chain, now))).to.deep.equal([true, false])
    for (const status of ["deleted", "suspended", "revoked"] as const)
      expect(isActive({ ...chain, status }, 0n)).to.equal(false)
  })

  it("carries the agent's and its records' revocations once they take effect", () => {
    const early = revocationsOf(chain, 999_999n)
    expect(early.agent).to.equal(false)
    expect([...(early.delegations ?? [])]).to.deep.equal(["at once"])
    expect([...(early.capabilities ?? [])]).to.deep.equal(["other kind"])
    const late = revocationsOf(chain, 1_000_000n)
    expect(late.agent).to.equal(true)
    expect([...(late.delegations ?? [])]).to.deep.equal(["at once", "graceful"])
    for (const status of ["suspended", "revoked"] as const)
      expect(revocationsOf({ ...chain, status, revokesAt: null }, 0n).agent).to.equal(true)
    expect(revocationsOf({ ...chain, status: "deleted" }, 0n).agent, "deleted is not revoked").to.equal(false)
  })
})
