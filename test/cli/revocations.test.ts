import { generateKeyPair, type TrustRegistry } from "@trust-registry/client"
import { usualPermissions } from "@trust-registry/eatp"
import { AuthorityType } from "@trust-registry/proto"
import { expect } from "chai"
import { trustRegistry } from "../support/commandLine.js"
import { capability, delegation } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { connectSdk } from "../support/sdk.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { scaled } from "../support/slowness.js"
import { signerOf, trustWorld } from "../support/trustWorld.js"
import { until } from "../support/until.js"

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/

describe("the revocation commands", () => {
  let server: TestRegistry
  let registry: TrustRegistry

  before(async () => {
    server = await startRegistry({ logLevel: "error" })
    registry = connectSdk(server.address)
    const keys = [
      { keyId: "1", publicKey: signerOf("org-a").publicKey },
      { keyId: "2", publicKey: signerOf("org-b").publicKey },
    ]
    const authority = {
      id: "org-a",
      name: "A",
      authorityType: AuthorityType.ORGANIZATION,
      keys,
      permissions: usualPermissions(),
    }
    await registry.registerAuthority({ authority })
  })
  after(async () => {
    registry.close()
    await server.stop()
  })

  const run = (...args: string[]) => trustRegistry(args, { address: server.address })
  const delegated = async (agentId: string, delegatorId?: string) =>
    await registry.storeChain({
      chain: {
        ...sampleChain(agentId),
        capabilities: [capability("read", { id: `${agentId}-read` })],
        delegations: delegatorId
          ? [delegation(agentId, { id: `${delegatorId}>${agentId}`, delegatorId })]
          : [],
      },
    })
  const idIn = (text: string) => UUID.exec(text)?.[0] ?? ""
  const statusOf = async (agentId: string) =>
    (await registry.getChain({ agentId, includeInactive: true })).record?.status

  it("revoke an agent and its descendants, and list every record", async () => {
    await delegated("boss")
    await delegated("staff", "boss")
    const { code, out, err } = await run("revoke", "agent", "boss", "--reason", "key was\nstolen")
    expect({ code, err }).to.deep.equal({ code: 0, err: "" })
    const [head, headings, first, second, ...rest] = out.trimEnd().split("\n")
    expect(head).to.match(/^revoked 2 records at revision \d+; revocation [0-9a-f-]{36}$/)
    expect(headings).to.match(/^KIND +OF +RECORD +DESCENDS FROM +REVISION$/)
    expect(first).to.match(/^agent +boss +- +- +\d+$/)
    expect(second).to.match(/^agent +staff +- +boss +\d+$/)
    expect(rest).to.deep.equal([])
    const listed = await run("revocations", "--agent", "boss")
    expect(listed.out).to.contain(idIn(out)).and.to.contain("immediate").and.to.contain("key was\\u{a}stolen")
  })

  it("suspend and lift, with JSON for programs", async () => {
    await delegated("temp")
    await delegated("temp-staff", "temp")
    const suspended = await run("revoke", "agent", "temp", "--mode", "suspend", "--json")
    expect(suspended.code).to.equal(0)
    const { revoked, revocation } = JSON.parse(suspended.out)
    expect(revoked).to.equal(true)
    expect(revocation.record_count).to.equal("2")
    expect(revocation.records[1]).to.include({
      kind: "REVOKED_KIND_AGENT",
      mode: "REVOCATION_MODE_SUSPEND",
      agent_id: "temp-staff",
      descends_from: "temp",
    })
    expect((await run("trust", "temp", "--level", "quick", "--strong")).code).to.equal(1)
    const lifted = await run("lift-suspension", revocation.revocation_id)
    expect(lifted.out).to.match(/^lifted 2 records at revision \d+; revocation /)
    expect(lifted.code).to.equal(0)
    const again = await run("lift-suspension", revocation.revocation_id, "--json")
    expect(JSON.parse(again.out)).to.include({ lifted: false })
    expect(JSON.parse(again.out).revocation.records[0].lifted_at).to.be.a("string")
    const once = await run("lift-suspension", revocation.revocation_id)
    expect(once.out).to.match(/^already lifted: 2 records at revision /)
    expect(await statusOf("temp-staff")).to.equal(1)
  })

  it("revoke delegations, capabilities and keys", async () => {
    await delegated("delegator")
    await delegated("odd --agent ✓", "delegator")
    const delegation = await run("revoke", "delegation", "odd --agent ✓", "delegator>odd --agent ✓")
    expect(delegation.out).to.match(/\ndelegation +odd --agent ✓ +delegator>odd --agent ✓ +- +\d+\n$/)
    const own = await run("revoke", "capability", "delegator", "read")
    expect(own.out).to.match(/^revoked 2 records .*\ncapability +delegator +delegator-read +- +\d+\n/s)
    const since = ["--compromised-at", "2026-01-01T00:00:00Z", "--reason", "lost"]
    const key = await run("revoke", "key", "org-a", "1", ...since)
    expect(key.out).to.match(/^revoked 1 record at .*\nkey +org-a +1 +- +\d+\n$/s)
    const [told] = (await run("revocations", "--authority", "org-a", "--json")).out.trimEnd().split("\n")
    expect((await run("revocations", "--authority", "org-a")).out).to.match(/ 2026-01-01T00:00:00Z .* lost$/m)
    expect(JSON.parse(told ?? "")).to.include({
      kind: "REVOKED_KIND_KEY",
      authority_id: "org-a",
      record_id: "1",
      compromised_at: "2026-01-01T00:00:00Z",
      reason: "lost",
    })
  })

  it("revoke at a future time", async () => {
    // Of an authority of its own: others have keys that other tests revoke.
    const keys = [{ keyId: "1", publicKey: signerOf("org-retiring").publicKey }]
    const kind = { authorityType: AuthorityType.ORGANIZATION, permissions: usualPermissions() }
    await registry.registerAuthority({ authority: { id: "org-retiring", name: "R", keys, ...kind } })
    const world = trustWorld(BigInt(Date.now()) * 1000n)
    await registry.storeChain({ chain: await world.establish("retiring", { authorityId: "org-retiring" }) })
    const at = new Date(Date.now() + 3_600_000).toISOString()
    const { code } = await run("revoke", "agent", "retiring", "--mode", "graceful", "--at", at)
    expect(code).to.equal(0)
    expect((await run("revocations", "--agent", "retiring")).out).to.contain("graceful")
    const from = `revoked from ${at.slice(0, 19)}Z`
    expect(await run("get", "retiring")).to.include({ code: 0, err: `note: retiring is ${from}\n` })
    expect((await run("list", "--prefix", "retiring")).out).to.match(
      new RegExp(`^retiring .* active, ${from} `, "m"),
    )
    expect((await run("history", "retiring")).out).to.contain(` active, ${from} `)
    const allowed = await run("trust", "retiring", "--level", "quick")
    expect(allowed).to.include({ code: 0, out: `allowed\nnote: agent retiring is ${from}\n` })
  })

  it("show when a graceful revocation is in effect, and what prevents a restore", async () => {
    await delegated("retired")
    await delegated("retired-deleted", "retired")
    await run("delete", "retired-deleted")
    const at = new Date(Date.now() + scaled(2_000)).toISOString()
    expect((await run("revoke", "agent", "retired", "--mode", "graceful", "--at", at)).code).to.equal(0)
    await until("the moment has come", async () => (await run("get", "retired")).code === 3)
    const rows = (await run("list", "--all", "--prefix", "retired")).out
    expect(rows).to.match(/^retired .* revoked /m)
    expect((await run("history", "retired", "--limit", "1")).out).to.match(/ revoked /)
    const refused = await run("restore", "retired-deleted")
    expect(refused.code).to.equal(4)
    expect(refused.err).to.contain(
      "is revoked, so restore is refused; it stays revoked; `revocations` names the revocation",
    )
  })

  it("list all pages, revocations in force, and the cascade of one revocation", async () => {
    await delegated("crowd")
    await server.sql`
      insert into trust_revocations (revocation_id, kind, agent_id, mode)
      select gen_random_uuid(), 'agent', 'crowd', 'suspend' from generate_series(1, 1100)`
    const lines = async (...args: string[]) =>
      (await run("revocations", "--json", ...args)).out.trimEnd().split("\n").filter(Boolean)
    const all = await lines("--agent", "crowd")
    expect(all).to.have.length(1_100)
    const { revocation_id } = JSON.parse(all[0] ?? "")
    expect((await run("lift-suspension", revocation_id)).code).to.equal(0)
    expect(await lines("--agent", "crowd", "--standing")).to.have.length(1_099)
    expect(await lines("--revocation", revocation_id)).to.have.length(1)
    expect(await run("revocations", "--agent", "nobody-ever")).to.deep.equal({ code: 0, out: "", err: "" })
  })

  it("report missing targets, final revocations and wrong usage by exit code", async () => {
    await delegated("final")
    const { out } = await run("revoke", "agent", "final")
    const cases: [string[], number, RegExp][] = [
      [["revoke", "agent", "nobody"], 3, /^nobody: TRUST_CHAIN_NOT_FOUND: /],
      [["revoke", "delegation", "final", "nope"], 3, /^final: TRUST_RECORD_NOT_FOUND: .*"nope"/],
      [["revoke", "key", "org-z", "1"], 3, /^org-z: AUTHORITY_NOT_FOUND: /],
      [["revoke", "key", "org-a", "9"], 3, /^org-a: TRUST_RECORD_NOT_FOUND: /],
      [["lift-suspension", idIn(out)], 4, /REVOCATION_FINAL: /],
      [["lift-suspension", "0b54e4a5-2f64-4c1e-9f0c-8d2cbbf4f6f3"], 3, /REVOCATION_NOT_FOUND: /],
      [["lift-suspension", "no"], 2, /REVOCATION must be a UUID/],
      [["revocations", "--revocation", "no"], 2, /--revocation must be a UUID/],
      [["revoke", "agent", "final", "--mode", "graceful"], 2, /--mode graceful requires --at/],
      [["revoke", "agent", "final", "--at", "2099-01-01T00:00:00Z"], 2, /--at requires --mode graceful/],
      [["revoke", "agent", "final", "--mode", "gentle"], 2, /--mode must be one of immediate/],
      [["revoke", "key", "org-a", "1", "--compromised-at", "yesterday"], 2, /--compromised-at must be/],
      [["revoke"], 2, /revoke needs a command/],
      [["revoke", "human", "x"], 2, /unknown command revoke human/],
      [["revoke", "agent"], 2, /revoke agent needs AGENT/],
      [["revocations", "--agent", "a", "--authority", "b"], 2, /--agent and --authority/],
      [
        ["revoke", "agent", "final", "--mode", "graceful", "--at", "2020-01-01T00:00:00Z"],
        2,
        /--at is in the past: use --mode immediate/,
      ],
      [
        ["revoke", "key", "org-a", "1", "--compromised-at", "2999-01-01T00:00:00Z"],
        2,
        /--compromised-at is in the future/,
      ],
      [["trust", "final", "read", "--context", "[1]"], 2, /--context must be a JSON object/],
      [["check-authority", "final", "read", "--context", "{"], 2, /--context must be a JSON object: /],
      [["history", "final", "--chains"], 2, /--chains requires --json/],
      [["restore", "final"], 4, /it stays revoked; `revocations` names the revocation/],
    ]
    for (const [args, code, told] of cases) {
      const got = await run(...args)
      expect(got.err, args.join(" ")).to.match(told)
      expect(got.code, args.join(" ")).to.equal(code)
      expect(got.out).to.equal("")
    }
    const asJson = await run("revoke", "delegation", "final", "nope", "--json")
    expect(JSON.parse(asJson.err)).to.deep.include({
      agent_id: "final",
      reason: "TRUST_RECORD_NOT_FOUND",
    })
    // A process for each.
  })

  // Last: chains that the key signed are denied from here on.
  it("of keys show in lists of the authority's chains", async () => {
    await delegated("listed")
    const keys = ["1", "2"].map((keyId) => ({ keyId, publicKey: generateKeyPair().publicKey }))
    const authority = {
      id: "org-acme",
      name: "Acme",
      authorityType: AuthorityType.ORGANIZATION,
      keys,
      permissions: usualPermissions(),
    }
    await registry.registerAuthority({ authority })
    expect((await run("list", "--prefix", "listed")).err).to.equal("")
    for (const { keyId } of keys) await registry.revokeKey({ authorityId: "org-acme", keyId })
    const { code, err } = await run("list", "--limit", "2")
    expect(code).to.equal(0)
    expect(
      err.match(/^org-acme: KEY_REVOKED: keys 1, 2 are revoked, and chains .* may be denied/gm),
    ).to.have.length(1)
  })
})
