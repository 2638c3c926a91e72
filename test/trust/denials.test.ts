import { usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityService,
  AuthorityType,
  CapabilityType,
  DenialReason,
  RevocationMode,
  RevocationService,
  type TrustLineageChain,
  TrustStoreService,
  TrustVerificationService,
  VerificationLevel,
} from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { trustRegistry } from "../support/commandLine.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { signerOf, trustWorld } from "../support/trustWorld.js"

const HOUR = 3_600_000_000n
const STRONG = { consistency: { requirement: { case: "strong" as const, value: true } } }

describe("a denial tells people what is wrong, with which record, and what to do", function () {
  this.timeout(120_000)
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  before(async () => {
    registry = await startRegistry({ logLevel: "error" })
    line = connectTo(registry.address)
    for (const id of ["org-a", "org-b"])
      await line.calls(AuthorityService).registerAuthority({
        authority: {
          id,
          name: id,
          authorityType: AuthorityType.ORGANIZATION,
          permissions: usualPermissions(),
          keys: [{ keyId: "first", publicKey: signerOf(id).publicKey }],
        },
      })
  })
  after(async () => {
    line.close()
    await registry.stop()
  })

  const micros = () => BigInt(Date.now()) * 1000n
  const store = (chain: TrustLineageChain) => line.calls(TrustStoreService).storeChain({ chain })
  const verify = (agentId: string, action = "read_data", level = VerificationLevel.STANDARD) =>
    line.calls(TrustVerificationService).verifyTrust({ agentId, action, level, ...STRONG })
  const check = (agentId: string, action = "read_data") =>
    line.calls(TrustVerificationService).checkAuthority({ agentId, action, ...STRONG })
  const run = (...args: string[]) => trustRegistry(args, { address: registry.address })
  const suspend = (agentId: string) =>
    line.calls(RevocationService).revokeAgent({ agentId, mode: RevocationMode.SUSPEND })

  it("an expired agent, whose capabilities EATP finds to be missing", async () => {
    const soon = new Date(Date.now() + 8_000).toISOString()
    const world = trustWorld(micros() - HOUR)
    const capability = { capability: "read_data", capabilityType: CapabilityType.ACCESS, expiresAt: soon }
    await store(await world.establish("expired", { capabilities: [capability] }))
    let verdict = await verify("expired")
    while (verdict.valid) verdict = await verify("expired")
    expect(verdict).to.include({
      reason: DenialReason.CAPABILITY_NOT_FOUND,
      reasonText: "No capability found for action 'read_data'",
      cause: DenialReason.TRUST_CHAIN_EXPIRED,
    })
    expect(verdict.explanation).to.match(/^the chain of agent "expired" has expired: it was valid until /)
    expect(verdict.remedy).not.to.equal("")
    expect((await check("expired")).cause).to.equal(DenialReason.TRUST_CHAIN_EXPIRED)
    const told = await run("trust", "expired", "read_data", "--strong")
    expect(told.out).to.match(
      /^denied: TRUST_CHAIN_EXPIRED: the chain of agent "expired" has expired: .*\nhint: /,
    )
  })

  it("an unsigned chain state, without a setting that nobody has", async () => {
    const chain = await trustWorld(micros()).establish("unsigned")
    delete chain.chainStateSignature
    await store(chain)
    const verdict = await verify("unsigned")
    expect(verdict.explanation).to.include('"unsigned"').and.not.include("allow_unsigned")
    expect(verdict.reasonText).to.include("allow_unsigned_chain_state=True")
    const told = await run("trust", "unsigned", "read_data", "--strong")
    expect(told.out)
      .to.include("`trust-registry resign`")
      .and.not.match(/allow_unsigned|#1912/)
  })

  it("suspended and deleted agents, and delegators, as what they are; get too", async () => {
    const world = trustWorld(micros())
    await store(await world.establish("above"))
    await store(await world.delegate("above", "below", {}))
    await store(await world.establish("taken-out"))
    await suspend("above")
    expect((await verify("above")).explanation).to.equal('agent "above" is suspended')
    await line.calls(TrustStoreService).deleteChain({ agentId: "taken-out" })
    expect((await verify("taken-out")).explanation).to.equal('the chain of agent "taken-out" is deleted')
    const error = await failureOf(line.calls(TrustStoreService).getChain({ agentId: "above", ...STRONG }))
    expect(error).to.include({ code: 5 })
    expect(error.details).to.include("is suspended")
    expect(detailsOf(error).info).to.deep.include({
      reason: "TRUST_CHAIN_NOT_FOUND",
      metadata: { status: "SUSPENDED" },
    })
    const got = await run("get", "above", "--strong")
    expect(got.code).to.equal(3)
    expect(got.err).to.include("is suspended; set --include-inactive to read it")
    const restored = await run("restore", "above")
    expect(restored.err).to.include("`revocations`").and.not.include("ListRevokedRecords")
  })

  it("a key that is revoked, for which EATP suspects that the chain was changed", async () => {
    const world = trustWorld(micros())
    await store(await world.establish("signed", { authorityId: "org-b" }))
    await line.calls(RevocationService).revokeKey({ authorityId: "org-b", keyId: "first" })
    for (const answer of [await verify("signed"), await check("signed")]) {
      expect(answer.reason).to.equal(DenialReason.CHAIN_STATE_SIGNATURE_INVALID)
      expect(answer.cause).to.equal(DenialReason.KEY_REVOKED)
      expect(answer.explanation).to.match(
        /agent "signed" is signed with a key of authority "org-b" that is revoked/,
      )
    }
    const told = await run("check-authority", "signed", "read_data", "--strong")
    expect(told.out)
      .to.match(/^denied: KEY_REVOKED: .*\nhint: .*authority get/)
      .and.not.include("tampered")
  })

  it("ids that look like others, which are escaped in sentences and stay as they are in values", async () => {
    const evil = "ad\u200bmin\u202e\u3164"
    const shown = "ad\\u{200b}min\\u{202e}\\u{3164}"
    expect((await verify(evil)).explanation).to.equal(`no chain of agent "${shown}" is stored`)
    const error = await failureOf(line.calls(TrustStoreService).getChain({ agentId: evil }))
    expect(error.details)
      .to.include(shown)
      .and.not.match(/[\u200b\u202e\u3164]/)
    expect(detailsOf(error).resource?.resourceName).to.equal(evil)
    const told = await run("get", evil, "admin ")
    expect(told.err).to.include(`${shown}: TRUST_CHAIN_NOT_FOUND: `).and.include("admin\\u{20}: ")
  })

  it("what is missing altogether", async () => {
    expect((await verify("nobody")).explanation).to.equal('no chain of agent "nobody" is stored')
    await store(await trustWorld(micros()).establish("reader"))
    expect((await verify("reader", "pay")).explanation).to.equal(
      'agent "reader" has no capability that covers "pay"',
    )
    expect(await verify("reader")).to.include({ valid: true, explanation: "", remedy: "", cause: 0 })
  })
})
