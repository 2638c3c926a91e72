import { once } from "node:events"
import { status as Code } from "@grpc/grpc-js"
import { CapabilityType, encode, ImportChainsRequestSchema, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { capability } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { until } from "../support/until.js"
import { withRegistryForEach } from "../support/withRegistry.js"

describe("many and large chains", () => {
  const { registry, line } = withRegistryForEach()
  const calls = () => line.calls(TrustStoreService)

  /** A chain of nearly a mebibyte. */
  const largeChain = (agentId: string) => ({
    ...sampleChain(agentId),
    capabilities: Array.from({ length: 1_000 }, (_, index) =>
      capability(`capability-${index}`, {
        capabilityType: CapabilityType.ACTION,
        scopeJson: `{"x":"${"y".repeat(850)}"}`,
      }),
    ),
  })

  it("of 1 MiB each are all returned when 100 are requested, in one call or in forty", async () => {
    await calls().storeChain({ chain: largeChain("large-0") })
    await registry.sql`
      insert into trust_chains (agent_id, authority_id, chain_data, chain_bytes, chain_hash, content_hash, status, request_id)
      select 'large-' || n, authority_id, jsonb_set(chain_data, '{genesis,agent_id}', to_jsonb('large-' || n)), chain_bytes,
        chain_hash, content_hash, status, gen_random_uuid()
      from trust_chains, generate_series(1, 99) n`
    const agentIds = Array.from({ length: 100 }, (_, index) => `large-${index}`)
    const { found, remaining, missing } = await calls().batchGetChains({ agentIds })
    expect([found.length > 1, found.length + remaining.length, missing.length]).to.deep.equal([true, 100, 0])
    const some = agentIds.slice(60)
    const given = await Promise.all(some.map((agentId) => calls().getChain({ agentId })))
    expect(given.map(({ stored }) => stored?.chain?.genesis?.agentId)).to.deep.equal(some)
  })

  it("whose document is the JSON value null are reported as corrupt, and read once", async () => {
    await calls().storeChain({ chain: sampleChain("null") })
    await registry.sql`update trust_chains set chain_data = 'null' where agent_id = 'null'`
    const { unreadable } = await calls().batchGetChains({ agentIds: ["null"] })
    expect(unreadable).to.deep.equal(["null"])
  })

  it("in an import with garbage in the middle get responses up to the garbage", async () => {
    const path = "/trustregistry.v1.TrustStoreService/ImportChains"
    const stream = line.channel.makeBidiStreamRequest(path, asBytes, asBytes)
    for (let index = 0; index < 10; index++)
      stream.write(encode(ImportChainsRequestSchema, { request: { chain: sampleChain(`before-${index}`) } }))
    stream.write(Buffer.from([255, 255, 255, 255, 1, 2, 3]))
    stream.end(encode(ImportChainsRequestSchema, { request: { chain: sampleChain("behind") } }))
    let answers = 0
    stream.on("data", () => answers++)
    const [error] = await once(stream, "error").catch((thrown) => [thrown])
    expect([answers, error.code]).to.deep.equal([10, Code.INVALID_ARGUMENT])
    expect((await calls().countChains({})).count).to.equal(10n)
  })

  it("leave no database session busy when hundreds of streams are cancelled at once", async () => {
    const taken = Array.from({ length: 400 }, async (_, index) => {
      const stop = new AbortController()
      const options = { signal: stop.signal, timeoutMs: index % 3 === 0 ? 1 : 10_000 }
      const stream =
        index % 2 ? calls().exportChains({}, options) : calls().watchChains({ includeCurrent: true }, options)
      const read = (async () => {
        for await (const _ of stream) stop.abort()
      })()
      await read.catch(() => undefined)
    })
    await Promise.all(taken)
    await calls().storeChain({ chain: sampleChain("after") })
    await until("no session is busy", async () => {
      const [row] = await registry.sql`
        select count(*)::integer as busy from pg_stat_activity
        where application_name = 'trust-registry' and datname = current_database() and state <> 'idle'`
      return row?.busy === 0
    })
  })
})

const asBytes = (bytes: Uint8Array) => Buffer.from(bytes)
