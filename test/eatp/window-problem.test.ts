import {
  checkSignatures,
  establish,
  generateKeyPair,
  memorySigner,
  type TrustAuthority,
} from "@trust-registry/eatp"
import { AuthorityType, CapabilityType } from "@trust-registry/proto"
import { expect } from "chai"

const NOW = 1_896_091_200_000_000n

describe("a signature whose date no window of its key covers", () => {
  const { privateKey, publicKey } = generateKeyPair()
  const chain = () =>
    establish(
      {
        agentId: "a",
        authorityId: "org",
        authorityType: AuthorityType.ORGANIZATION,
        capabilities: [{ capability: "read", capabilityType: CapabilityType.ACCESS }],
      },
      { signer: memorySigner(privateKey), nowMicros: NOW, newId: (kind) => `${kind}-1` },
    )
  const bad = async (key: object) => {
    const signer: TrustAuthority = { id: "org", keys: [{ keyId: "k1", publicKey, ...key }] }
    const known = { authorities: new Map([["org", signer]]), delegators: new Map() }
    return (await checkSignatures(await chain(), known)).bad.map(({ description }) => description)
  }

  it("says key, window, date, and how far off it is", async () => {
    const [ended] = await bad({ validUntilMicros: NOW - 2_000_000n })
    expect(ended).to.equal(
      'does not verify: its key "k1" signs until 2030-01-31T11:59:58+00:00, and it is dated ' +
        "2030-01-31T12:00:00+00:00, 2 s after that",
    )
    const [begins] = await bad({ validFromMicros: NOW + 1_500_000n })
    expect(begins).to.equal(
      'does not verify: its key "k1" signs from 2030-01-31T12:00:01.500000+00:00, and it is dated ' +
        "2030-01-31T12:00:00+00:00, 1.5 s before that",
    )
  })

  it("is not blamed on a window where the key is another, or revoked", async () => {
    const other = generateKeyPair().publicKey
    const [wrong] = await bad({ publicKey: other, validUntilMicros: NOW - 2_000_000n })
    expect(wrong).to.equal("does not verify with the key that its signer had then")
    const [revoked] = await bad({ revoked: true })
    expect(revoked).to.equal("does not verify: its key was revoked")
    expect(await bad({ validUntilMicros: NOW })).to.deep.equal([])
  })
})
