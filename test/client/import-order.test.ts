import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  AuthorityType,
  connect,
  documentFromChain,
  type ImportedChain,
  SignatureStatus,
  type TrustLineageChain,
  type TrustRegistry,
} from "@trust-registry/client"
import { usualPermissions } from "@trust-registry/eatp"
import { expect } from "chai"
import { trustRegistry } from "../support/commandLine.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { scaled } from "../support/slowness.js"
import { signerOf, trustWorld } from "../support/trustWorld.js"

const HOPS = 9

describe("imports in an order that is not that of delegation", () => {
  let server: TestRegistry
  let registry: TrustRegistry
  let folder: string
  const spools = () => readdirSync(tmpdir()).filter((name) => /^trust-registry-\w{6}$/.test(name)).length

  beforeEach(async () => {
    server = await startRegistry({ requireSignatures: true })
    registry = connect(server.address)
    folder = mkdtempSync(join(tmpdir(), "import-order-"))
  })
  afterEach(async () => {
    registry.close()
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  /** A path of delegations in which each agent is delegated to by the next one: the last one was established. */
  async function path(): Promise<TrustLineageChain[]> {
    const world = trustWorld(BigInt(Date.now()) * 1000n)
    const keys = [{ keyId: "k", publicKey: signerOf("org-a").publicKey }]
    const authority = {
      id: "org-a",
      name: "A",
      authorityType: AuthorityType.ORGANIZATION,
      keys,
      permissions: usualPermissions(),
    }
    await registry.registerAuthority({ authority })
    const made = [await world.establish(`agent-${HOPS}`)]
    for (let hop = HOPS - 1; hop >= 0; hop--)
      made.push(await world.delegate(`agent-${hop + 1}`, `agent-${hop}`))
    return made.reverse()
  }

  async function resultsOf(chains: TrustLineageChain[]) {
    const results: ImportedChain[] = []
    for await (const result of registry.importChains(chains.map((chain) => ({ chain })))) results.push(result)
    return results
  }

  it("store every chain that can be stored, delegators first", async () => {
    const before = spools()
    const results = await resultsOf(await path())
    expect(results.filter(({ error }) => error)).to.deep.equal([])
    expect(new Set(results.map(({ index }) => index)).size).to.equal(HOPS + 1)
    for (const { stored } of results)
      expect(stored?.record?.signatureStatus).to.equal(SignatureStatus.VERIFIED)
    expect(spools()).to.equal(before)
  })

  it("name the delegator of a chain that cannot be stored, and not its signer", async () => {
    const chains = (await path()).slice(0, -1)
    const results = await resultsOf(chains)
    expect(results.map(({ stored }) => stored)).to.deep.equal(chains.map(() => undefined))
    const last = results.find(({ index }) => index === HOPS - 1)
    expect(last?.error?.reason).to.equal("TRUST_CHAIN_INVALID")
    expect(last?.error?.metadata).to.deep.equal({ missing_delegator: `agent-${HOPS}` })
    expect(last?.error?.message).to.contain(`"agent-${HOPS}" has no stored chain here: store it first`)
  })

  it("store files of the command line in any order, and tell lines that were refused after those of the rest", async () => {
    const chains = await path()
    const lines = chains.map((chain) => documentFromChain(chain))
    const [alone] = await lonely()
    lines.splice(2, 0, documentFromChain(alone))
    writeFileSync(join(folder, "chains.jsonl"), `${lines.join("\n")}\n`)
    const { code, out, err } = await trustRegistry(["import", "--in-flight", "2", "chains.jsonl"], {
      address: server.address,
      cwd: folder,
    })
    expect(out).to.equal(`${HOPS + 1} created, 0 updated, 1 refused\n`)
    expect(code).to.equal(1)
    expect(err)
      .to.contain("chains.jsonl:3: agent-lonely: TRUST_CHAIN_INVALID: ")
      .and.contain('"nobody" has no stored chain')
  })

  /** An agent whose delegator is nowhere, and one below it. */
  async function lonely() {
    const world = trustWorld(BigInt(Date.now()) * 1000n)
    await world.establish("nobody")
    const alone = await world.delegate("nobody", "agent-lonely")
    return [alone, await world.delegate("agent-lonely", "agent-x")] as const
  }

  it("store VERIFIED what is, and UNVERIFIED only what depends on nobody else of the file", async () => {
    const unsigned = await server.beside({ requireSignatures: false })
    const other = connect(unsigned.address)
    try {
      const [alone, below] = await lonely()
      const chains = [...(await path()), alone]
      const found = new Map<number, SignatureStatus | undefined>()
      const all = [{ chain: below }, ...chains.map((chain) => ({ chain }))]
      for await (const { index, stored, error } of other.importChains(all)) {
        expect(error?.message).to.equal(undefined)
        found.set(index, stored?.record?.signatureStatus)
      }
      expect([...found.keys()].slice(-2)).to.deep.equal([HOPS + 2, 0])
      const { UNVERIFIED, VERIFIED } = SignatureStatus
      const expected = all.map((_, index) => (index === HOPS + 2 ? UNVERIFIED : VERIFIED))
      expect(all.map((_, index) => found.get(index))).to.deep.equal(expected)
    } finally {
      other.close()
      await unsigned.stop()
    }
  })

  it("keep the order of one agent's chains: none that waited replaces a later one", async () => {
    const [delegated, delegator] = (await path()).slice(-2) as [TrustLineageChain, TrustLineageChain]
    const world = trustWorld(BigInt(Date.now()) * 1000n)
    const later = await world.establish(delegated.genesis?.agentId ?? "")
    const results = await resultsOf([delegated, later, delegator])
    expect(results.find(({ index }) => index === 1)?.stored?.created).to.equal(true)
    const first = results.find(({ index }) => index === 0)
    // It may have been checked again when its delegator had just been stored.
    if (first?.error) expect(first.error.message).to.contain("a later chain of the same agent was stored")
    const { chain } = await registry.getChain({ agentId: delegated.genesis?.agentId ?? "" })
    expect(chain?.genesis?.id).to.equal(later.genesis?.id)
  })

  it("go on after the database stood still for longer than a write waits", async () => {
    const line = connect(server.address, { timeoutMs: scaled(20_000) })
    try {
      const chains = (await path()).map((chain) => ({ chain }))
      const stall = server.sql.begin(async (sql) => {
        await sql`select trust_lock()`
        await sql`select pg_sleep(2.5)`
      })
      let stored = 0
      for await (const result of line.importChains(chains)) {
        expect(result.error).to.equal(undefined)
        stored++
      }
      expect(stored).to.equal(HOPS + 1)
      await stall
    } finally {
      line.close()
    }
  })
})
