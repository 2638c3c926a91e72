import {
  RevocationFinalError,
  RevocationMode,
  RevocationNotFoundError,
  TrustChainNotFoundError,
  TrustRecordNotFoundError,
  type TrustRegistry,
} from "@trust-registry/client"
import { expect } from "chai"
import { sampleChain } from "../support/sample.js"
import { connectSdk } from "../support/sdk.js"
import { startRegistry, type TestRegistry } from "../support/server.js"

describe("the client's revocation methods", () => {
  let server: TestRegistry
  let registry: TrustRegistry
  before(async () => {
    server = await startRegistry()
    registry = connectSdk(server.address)
    await registry.storeChain({ chain: sampleChain("agent") })
  })
  after(async () => {
    registry.close()
    await server.stop()
  })

  const failure = (call: Promise<unknown>) =>
    call.then(
      () => undefined,
      (error) => error,
    )

  it("list all pages, page by page, or one page", async () => {
    const reasons = ["0", "1", "2", "3", "4"]
    for (const reason of reasons)
      await registry.revokeAgent({ agentId: "agent", mode: RevocationMode.SUSPEND, reason })
    const newestFirst = reasons.toReversed()
    const request = { agentId: "agent", pageSize: 2 }
    const all: string[] = []
    for await (const { reason } of registry.listRevokedRecords(request)) all.push(reason)
    expect(all).to.deep.equal(newestFirst)
    const sizes: number[] = []
    for await (const { records } of registry.listRevokedRecords(request).pages()) sizes.push(records.length)
    expect(sizes).to.deep.equal([2, 2, 1])
    const { nextPageToken: pageToken } = await registry.listRevokedRecords(request).page()
    const rest: string[] = []
    for await (const { reason } of registry.listRevokedRecords({ ...request, pageToken })) rest.push(reason)
    expect(rest).to.deep.equal(newestFirst.slice(2))
    expect((await registry.listRevokedRecords().page()).records).to.have.length(5)
  })

  it("throw typed errors with their details", async () => {
    const noRecord = await failure(registry.revokeDelegation({ agentId: "agent", delegationId: "none" }))
    expect(noRecord).to.be.instanceOf(TrustRecordNotFoundError)
    expect(noRecord).to.include({ agentId: "agent", reason: "TRUST_RECORD_NOT_FOUND" })
    expect(await failure(registry.revokeAgent({ agentId: "nobody" }))).to.be.instanceOf(
      TrustChainNotFoundError,
    )
    const unknown = "0b54e4a5-2f64-4c1e-9f0c-8d2cbbf4f6f3"
    expect(await failure(registry.liftSuspension({ revocationId: unknown }))).to.be.instanceOf(
      RevocationNotFoundError,
    )
    const { revocation } = await registry.revokeAgent({ agentId: "agent" })
    const final = await failure(registry.liftSuspension({ revocationId: revocation?.revocationId ?? "" }))
    expect(final).to.be.instanceOf(RevocationFinalError)
    expect(final.name).to.equal("RevocationFinalError")
  })
})
