import { TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { MAX_READ_BYTES } from "../../server/store/chains/chains.js"
import { connectTo } from "../support/calls.js"
import { connectRaw, framed } from "../support/rawCalls.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry } from "../support/server.js"
import { soundDelegation } from "../support/shapedChain.js"
import { scaled } from "../support/slowness.js"
import { until } from "../support/until.js"

describe("the room for calls", () => {
  it("is given back by requests that were refused for want of it, though their connection stays open", async () => {
    const metricsListen = { host: "127.0.0.1", port: 0 }
    const small = {
      maxMessageBytes: 65_536,
      maxChainBytes: 32_768,
      callBytes: 2 * 1024 * 1024,
      callTimeoutMs: 2_000,
    }
    const registry = await startRegistry({ ...small, metricsListen })
    const attacker = await connectRaw(registry.address)
    const line = connectTo(registry.address)
    const address = registry.log.find(({ msg }) => msg === "serving metrics")?.metrics
    const metric = async (name: string) => {
      const text = await (await fetch(`http://${address}/metrics`)).text()
      return Number(new RegExp(`^trust_registry_${name} (\\d+)$`, "m").exec(text)?.[1])
    }
    const short = framed(Buffer.alloc(40_000)).subarray(0, -1)
    const path = "/trustregistry.v1.TrustStoreService/StoreChain"
    const calls = Array.from({ length: 60 }, () => attacker.send(path, short, { end: false }))
    await until("some hold room", async () => (await metric("call_bytes")) > 0)
    await until("all are ended", () => calls.every(({ ended }) => ended))
    expect(await metric("calls_refused_total")).to.be.above(0)
    await until("all room is free", async () => (await metric("call_bytes")) === 0)
    await line.calls(TrustStoreService).storeChain({ chain: sampleChain("a") })
    attacker.close()
    line.close()
    await registry.stop()
  })

  it("is held for the ancestors against which a chain is validated", async () => {
    const registry = await startRegistry({
      metricsListen: { host: "127.0.0.1", port: 0 },
      databaseTimeoutMs: scaled(20_000),
    })
    const line = connectTo(registry.address)
    const address = registry.log.find(({ msg }) => msg === "serving metrics")?.metrics
    const held = async () => {
      const text = await (await fetch(`http://${address}/metrics`)).text()
      return Number(/^trust_registry_call_bytes (\d+)$/m.exec(text)?.[1])
    }
    const hold = await registry.sql.reserve()
    await hold`begin`
    await hold`lock table trust_chains in access exclusive mode`
    const chain = { ...sampleChain("agent"), delegations: [{ ...soundDelegation, delegateeId: "agent" }] }
    const stored = line.calls(TrustStoreService).storeChain({ chain })
    // What the statement holds by itself, and a reading of small chains.
    await until(
      "room is held for what is read",
      async () => (await held()) >= MAX_READ_BYTES + 3 * 1024 * 1024,
    )
    await hold`rollback`
    hold.release()
    await stored
    await until("all room is free", async () => (await held()) === 0)
    line.close()
    await registry.stop()
  })
})
