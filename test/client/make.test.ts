import { createPrivateKey, sign } from "node:crypto"
import {
  AuthorityType,
  attest,
  CapabilityType,
  checkShape,
  checkSignatures,
  establish,
  generateKeyPair,
  makerOf,
  memorySigner,
  type Signer,
  timestampFromDate,
  trustAuthority,
  verifyTrust,
} from "@trust-registry/client"
import { expect } from "chai"

const AT = new Date("2026-09-01T12:00:00.250Z")
const MICROS = BigInt(AT.getTime()) * 1000n

describe("creating chains with the SDK", () => {
  const { privateKey, publicKey } = generateKeyPair()
  const agent = {
    agentId: "agent-7",
    authorityId: "org-a",
    authorityType: AuthorityType.ORGANIZATION,
    capabilities: [{ capability: "read_data", capabilityType: CapabilityType.ACCESS }],
  }

  it("signs with anything that has sign(bytes), at the given time, with generated ids", async () => {
    const seed = Buffer.concat([
      Buffer.from("302e020100300506032b657004220420", "hex"),
      Buffer.from(privateKey, "base64"),
    ])
    const held = createPrivateKey({ key: seed, format: "der", type: "pkcs8" })
    const kms: Signer = { sign: async (bytes) => sign(null, bytes, held) }
    const chain = await establish(agent, makerOf(kms, AT))
    expect(chain.genesis?.createdAt).to.equal("2026-09-01T12:00:00.250000+00:00")
    const same = await establish(agent, makerOf(memorySigner(privateKey), AT))
    expect(same.genesis?.id).to.match(/^gen-/).and.not.equal(chain.genesis?.id)

    expect(checkShape(chain)).to.deep.equal([])
    const authorities = new Map([["org-a", trustAuthority({ id: "org-a", keys: [{ publicKey }] })]])
    const chains = new Map([["agent-7", { chain, active: true }]])
    expect(await checkSignatures(chain, { authorities, delegators: chains })).to.deep.equal({
      revoked: [],
      bad: [],
      open: [],
    })
    const request = { agentId: "agent-7", action: "read_data", level: "full" as const }
    expect(await verifyTrust({ request, nowMicros: MICROS, chains, authorities })).to.include({ valid: true })

    const capabilities = [{ capability: "pay", capabilityType: CapabilityType.ACTION }]
    const more = { agentId: "agent-7", attesterId: "org-a", capabilities }
    const attested = await attest(more, { chains, authorities }, makerOf(kms, AT))
    expect(attested.capabilities).to.have.length(2)
    expect(chain.capabilities).to.have.length(1)
  })

  it("converts an authority's key windows to those of verification", async () => {
    const chain = await establish(agent, makerOf(memorySigner(privateKey), AT))
    const chains = new Map([["agent-7", { chain, active: true }]])
    const ask = async (notBefore: Date, notAfter: Date) => {
      const window = { notBefore: timestampFromDate(notBefore), notAfter: timestampFromDate(notAfter) }
      const authority = trustAuthority({ id: "org-a", keys: [{ publicKey, ...window }] })
      const request = { agentId: "agent-7", action: "read_data", level: "full" as const }
      const authorities = new Map([["org-a", authority]])
      return (await verifyTrust({ request, nowMicros: MICROS, chains, authorities })).valid
    }
    const moved = (ms: number) => new Date(AT.getTime() + ms)
    expect(await ask(AT, AT)).to.equal(true)
    expect(await ask(moved(1), moved(1000))).to.equal(false)
    expect(await ask(moved(-1000), moved(-1))).to.equal(false)
    const early = timestampFromDate(new Date("1969-12-31T23:59:59.500Z"))
    const { keys } = trustAuthority({ id: "org-a", keys: [{ publicKey, notBefore: early }] })
    expect(keys).to.deep.equal([{ publicKey, validFromMicros: -500_000n }])
    const revoked = trustAuthority({
      id: "org-a",
      keys: [{ publicKey, revokedAt: early, compromisedAt: early }],
    })
    const revokedKey = { publicKey, revoked: true, compromisedAtMicros: -500_000n }
    expect(revoked.keys).to.deep.equal([revokedKey])
    const signers = { authorities: new Map([["org-a", revoked]]), delegators: chains }
    const { bad } = await checkSignatures(chain, signers)
    expect(bad[0]).to.deep.equal({
      field: "chain.genesis.signature",
      description: "does not verify: its key was revoked",
    })
  })
})
