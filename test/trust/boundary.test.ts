import { create } from "@bufbuild/protobuf"
import { isoFromMicros, usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityService,
  AuthorityType,
  CapabilityType,
  ChainFilterSchema,
  RevocationMode,
  RevocationService,
  TrustStoreService,
  TrustVerificationService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { isVisible } from "../../server/dist/service/chains/visible.js"
import { trustOf } from "../../server/dist/service/verification/signers.js"
import { countChains } from "../../server/dist/store/chains/chains.js"
import { openPool } from "../../server/dist/store/database/sql.js"
import { microsOf, timestampOf } from "../../server/dist/store/rows/micros.js"
import { isActive, revocationsOf, type ServedChain } from "../../server/dist/store/rows/servedChain.js"
import { connectTo } from "../support/calls.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { signerOf, trustWorld } from "../support/trustWorld.js"
import { until } from "../support/until.js"

describe("the last valid microsecond", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  before(async () => {
    registry = await startRegistry({ logLevel: "error" })
    line = connectTo(registry.address)
    await line.calls(AuthorityService).registerAuthority({
      authority: {
        ...{
          id: "org-a",
          name: "org-a",
          authorityType: AuthorityType.ORGANIZATION,
          permissions: usualPermissions(),
        },
        keys: [{ keyId: "1", publicKey: signerOf("org-a").publicKey }],
      },
    })
  })
  after(async () => {
    line.close()
    await registry.stop()
  })

  const now = () => BigInt(Date.now()) * 1000n
  // Soon, and no whole millisecond: what comes between two of them counts.
  const soon = () => now() + 1_000_123n
  const passed = (moment: bigint) => until("the moment is past", () => now() > moment + 1_000n)
  const allowedAt = async (agentId: string, micros: bigint) =>
    (
      await line
        .calls(TrustVerificationService)
        .checkAuthority({ agentId, action: "read_data", validAt: timestampOf(micros) })
    ).authorized

  /** Whether a count by the clock of then has the chain of an agent. */
  const listedAt = async (agentId: string, micros: bigint) => {
    const sql = openPool(registry.connection, 1, () => {})
    try {
      return (await countChains(sql, create(ChainFilterSchema, { agentIdPrefix: agentId }), micros)) === 1n
    } finally {
      await sql.end()
    }
  }

  it("of a registration and of the chain itself is the expiry, for lists and CheckAuthority", async () => {
    const end = soon()
    const world = trustWorld(now() - 60_000_000n)
    const registered = await world.establish("registered")
    await line.calls(TrustStoreService).storeChain({ chain: registered, expiresAt: timestampOf(end) })
    const own = await world.establish("own", { expiresAt: isoFromMicros(end) })
    await line.calls(TrustStoreService).storeChain({ chain: own })
    await passed(end)
    for (const agentId of ["registered", "own"]) {
      expect([await listedAt(agentId, end), await listedAt(agentId, end + 1n)]).to.deep.equal([true, false])
      expect([await allowedAt(agentId, end), await allowedAt(agentId, end + 1n)]).to.deep.equal([true, false])
    }
  })

  it("of a delegator's registration is its expiry", async () => {
    const end = soon()
    const world = trustWorld(now() - 60_000_000n)
    const above = await world.establish("above")
    const below = await world.delegate("above", "below")
    await line.calls(TrustStoreService).storeChain({ chain: above, expiresAt: timestampOf(end) })
    await line.calls(TrustStoreService).storeChain({ chain: below })
    await passed(end)
    expect([await allowedAt("below", end), await allowedAt("below", end + 1n)]).to.deep.equal([true, false])
  })

  it("before a graceful revocation of an agent or a capability precedes the revocation's time", async () => {
    const world = trustWorld(now() - 60_000_000n)
    const chain = await world.establish("leaving")
    const kept = await world.establish("losing", {
      capabilities: [{ capability: "read_data", capabilityType: CapabilityType.ACCESS }],
    })
    await line.calls(TrustStoreService).storeChain({ chain })
    await line.calls(TrustStoreService).storeChain({ chain: kept })
    const at = soon()
    const revoke = { mode: RevocationMode.GRACEFUL, effectiveAt: timestampOf(at) }
    await line.calls(RevocationService).revokeAgent({ agentId: "leaving", ...revoke })
    await line.calls(RevocationService).revokeCapability({
      ...{ agentId: "losing", capabilityId: kept.capabilities[0]?.id ?? "" },
      ...revoke,
    })
    await passed(at)
    expect([await listedAt("leaving", at - 1n), await listedAt("leaving", at)]).to.deep.equal([true, false])
    for (const agentId of ["leaving", "losing"])
      expect([await allowedAt(agentId, at - 1n), await allowedAt(agentId, at)]).to.deep.equal([true, false])
    const { stored } = await line
      .calls(TrustStoreService)
      .getChain({ agentId: "leaving", includeInactive: true })
    const record = stored?.record
    expect(record?.revokesAt && microsOf(record.revokesAt)).to.equal(at)
  })

  it("is the same for GetChain, BatchGetChains and delegators' chains, which read the clock", () => {
    const [end, revoked] = [1_000_001n, 2_000_001n]
    const chain: ServedChain = {
      ...{ bytes: Buffer.alloc(0), chain: () => ({}) as never, revision: 1n, status: "active" },
      ...{
        stored: Buffer.alloc(0),
        verified: true,
        expiresAt: end,
        revokesAt: null,
        revocations: [],
        documentRevision: 1n,
      },
    }
    const leaving: ServedChain = {
      ...{ ...chain, expiresAt: null, revokesAt: revoked },
      revocations: [{ kind: "capability", record_id: "cap-1", from: Number(revoked) }],
    }
    expect([isVisible(chain, end), isVisible(chain, end + 1n)]).to.deep.equal([true, false])
    expect([trustOf(chain, end).active, trustOf(chain, end + 1n).active]).to.deep.equal([true, false])
    // Expiry alone leaves a chain active.
    expect(isActive(chain, end + 1n)).to.equal(true)
    for (const inForce of [isVisible, isActive, (one: ServedChain, at: bigint) => trustOf(one, at).active])
      expect([inForce(leaving, revoked - 1n), inForce(leaving, revoked)]).to.deep.equal([true, false])
    const before = revocationsOf(leaving, revoked - 1n)
    expect([before.agent, before.capabilities?.size]).to.deep.equal([false, 0])
    const after = revocationsOf(leaving, revoked)
    expect([after.agent, after.capabilities?.size]).to.deep.equal([true, 1])
  })
})
