import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import { status as Code } from "@grpc/grpc-js"
import { ChainStatus, RevocationMode, RevocationService, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { delegation } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { until } from "../support/until.js"

describe("a write to an inactive chain", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  const calls = () => line.calls(TrustStoreService)
  const revocations = () => line.calls(RevocationService)

  before(async () => {
    registry = await startRegistry()
    line = connectTo(registry.address)
  })
  after(async () => {
    line.close()
    await registry.stop()
  })

  const store = (agentId: string) => calls().storeChain({ chain: sampleChain(agentId) })
  const suspend = async (agentId: string) => {
    const { revocation } = await revocations().revokeAgent({ agentId, mode: RevocationMode.SUSPEND })
    return revocation?.revocationId ?? ""
  }
  const writes = {
    StoreChain: store,
    UpdateChain: (agentId: string) => calls().updateChain({ agentId, chain: sampleChain(agentId) }),
    DeleteChain: (agentId: string) => calls().deleteChain({ agentId }),
    RestoreChain: (agentId: string) => calls().restoreChain({ agentId }),
  }
  /** Reason and status of the refusal of each of these writes. */
  async function refusalsOf(agentId: string, ...names: (keyof typeof writes)[]) {
    const told = new Set<string>()
    for (const name of names) {
      const failure = await failureOf(writes[name](agentId)).catch(() =>
        expect.fail(`${name} is not refused`),
      )
      expect(failure.code).to.equal(Code.FAILED_PRECONDITION)
      const { info, precondition, resource } = detailsOf(failure)
      expect(resource?.resourceName).to.equal(agentId)
      expect(precondition?.violations.map(({ type, subject }) => [type, subject])).to.deep.equal([
        [info?.reason, agentId],
      ])
      told.add(`${info?.reason} ${JSON.stringify(info?.metadata)}`)
    }
    return [...told]
  }
  const ALL = Object.keys(writes) as (keyof typeof writes)[]

  it("fails with TRUST_CHAIN_INACTIVE if the chain is deleted", async () => {
    await store("deleted")
    await calls().deleteChain({ agentId: "deleted" })
    expect(await refusalsOf("deleted", "StoreChain", "UpdateChain")).to.deep.equal([
      'TRUST_CHAIN_INACTIVE {"status":"DELETED"}',
    ])
    const { record } = await calls().restoreChain({ agentId: "deleted" })
    expect(record?.status).to.equal(ChainStatus.ACTIVE)
  })

  it("fails with TRUST_CHAIN_INACTIVE if the chain is suspended, by a call or by hand", async () => {
    await store("suspended")
    const revocationId = await suspend("suspended")
    expect(await refusalsOf("suspended", ...ALL)).to.deep.equal([
      'TRUST_CHAIN_INACTIVE {"status":"SUSPENDED"}',
    ])
    await revocations().liftSuspension({ revocationId })
    expect((await store("suspended")).record?.status).to.equal(ChainStatus.ACTIVE)
    await store("by-hand")
    await registry.sql`update trust_chains set status = 'suspended' where agent_id = 'by-hand'`
    expect(await refusalsOf("by-hand", "StoreChain", "UpdateChain", "DeleteChain")).to.deep.equal([
      'TRUST_CHAIN_INACTIVE {"status":"SUSPENDED"}',
    ])
    const { record } = await calls().restoreChain({ agentId: "by-hand" })
    expect(record?.status).to.equal(ChainStatus.ACTIVE)
  })

  it("fails with TRUST_CHAIN_REVOKED if the chain is revoked, by a call, by hand or by cascade", async () => {
    await store("delegator")
    await calls().storeChain({
      chain: {
        ...sampleChain("delegatee"),
        delegations: [delegation("delegatee", { delegatorId: "delegator" })],
      },
    })
    await revocations().revokeAgent({ agentId: "delegator" })
    await store("hand-revoked")
    await registry.sql`update trust_chains set status = 'revoked' where agent_id = 'hand-revoked'`
    for (const agentId of ["delegator", "delegatee", "hand-revoked"])
      expect(await refusalsOf(agentId, ...ALL)).to.deep.equal(['TRUST_CHAIN_REVOKED {"status":"REVOKED"}'])
  })

  it("fails with TRUST_CHAIN_REVOKED once a graceful revocation takes effect, though the status stays ACTIVE", async () => {
    await store("graceful")
    const effectiveAt = timestampFromMs(Date.now() + 1_200)
    await revocations().revokeAgent({ agentId: "graceful", mode: RevocationMode.GRACEFUL, effectiveAt })
    expect((await store("graceful")).record?.status).to.equal(ChainStatus.ACTIVE)
    await until("it is in effect", async () => {
      const answer = await calls()
        .getChain({ agentId: "graceful" })
        .catch((error) => error)
      return answer instanceof Error
    })
    expect(await refusalsOf("graceful", ...ALL)).to.deep.equal(['TRUST_CHAIN_REVOKED {"status":"REVOKED"}'])
    const { stored } = await calls().getChain({ agentId: "graceful", includeInactive: true })
    expect(stored?.record?.status).to.equal(ChainStatus.ACTIVE)
  })

  it("fails with TRUST_CHAIN_REVOKED if no chain is stored and the agent is revoked or suspended", async () => {
    for (const agentId of ["gone-revoked", "gone-suspended"]) await store(agentId)
    await revocations().revokeAgent({ agentId: "gone-revoked" })
    const revocationId = await suspend("gone-suspended")
    for (const agentId of ["gone-revoked", "gone-suspended"]) {
      await calls().purgeChain({ agentId })
      expect(await refusalsOf(agentId, "StoreChain")).to.deep.equal([
        'TRUST_CHAIN_REVOKED {"status":"REVOKED"}',
      ])
    }
    await revocations().liftSuspension({ revocationId })
    expect((await store("gone-suspended")).created).to.equal(true)
  })

  it("reports the agent's revocation when RestoreChain would restore a deleted chain", async () => {
    for (const agentId of ["deleted-suspended", "deleted-revoked"]) {
      await store(agentId)
      await calls().deleteChain({ agentId })
    }
    const revocationId = await suspend("deleted-suspended")
    await revocations().revokeAgent({ agentId: "deleted-revoked" })
    const [suspended] = await refusalsOf("deleted-suspended", "RestoreChain")
    expect(suspended).to.match(/^TRUST_CHAIN_INACTIVE /)
    const [revoked] = await refusalsOf("deleted-revoked", "RestoreChain")
    expect(revoked).to.match(/^TRUST_CHAIN_REVOKED /)
    await revocations().liftSuspension({ revocationId })
    const { record } = await calls().restoreChain({ agentId: "deleted-suspended" })
    expect(record?.status).to.equal(ChainStatus.ACTIVE)
  })
})
