import { TrustStoreService, TrustVerificationService } from "@trust-registry/proto"
import { expect } from "chai"
import { capability } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { withRegistry } from "../support/withRegistry.js"

describe("a strong question that shares its reading", () => {
  const { line } = withRegistry()
  const STRONG = { requirement: { case: "strong" as const, value: true } }

  it("sees every change that was acknowledged before it", async () => {
    const { storeChain } = line.calls(TrustStoreService)
    const { verifyTrust } = line.calls(TrustVerificationService)
    const ask = () => verifyTrust({ agentId: "shared", action: "read", consistency: STRONG })
    await storeChain({ chain: sampleChain("shared") })
    let going = true
    // So many that at any time one reading runs, and questions wait for the next.
    const crowd = Array.from({ length: 20 }, async () => {
      while (going) await ask()
    })
    try {
      for (let round = 0; round < 60; round++) {
        const chain = { ...sampleChain("shared"), capabilities: [capability(`round-${round}`)] }
        const { record } = await storeChain({ chain })
        const revision = record?.revision ?? -1n
        for (const answer of await Promise.all([ask(), ask()])) expect(answer.revision).to.equal(revision)
      }
    } finally {
      going = false
      await Promise.all(crowd)
    }
  })

  it("goes on when one of those who share it leaves", async () => {
    const { storeChain } = line.calls(TrustStoreService)
    const { verifyTrust } = line.calls(TrustVerificationService)
    await storeChain({ chain: sampleChain("left") })
    const stop = new AbortController()
    const outcomes = Array.from({ length: 40 }, (_, index) =>
      verifyTrust(
        { agentId: "left", action: "read", consistency: STRONG },
        index % 2 === 0 ? { signal: stop.signal } : {},
      ).then(
        () => "answered",
        () => "left",
      ),
    )
    setTimeout(() => stop.abort(), 1)
    const found = await Promise.all(outcomes)
    expect(found.filter((_, index) => index % 2 === 1)).to.deep.equal(Array(20).fill("answered"))
  })
})
