import { createHook } from "node:async_hooks"
import { create } from "@bufbuild/protobuf"
import { checkAuthority } from "@trust-registry/eatp"
import { type GenesisRecord, type TrustLineageChain, TrustLineageChainSchema } from "@trust-registry/proto"
import { expect } from "chai"
import { openSignatures } from "../../eatp/dist/verify/chainSignatures.js"
import { verifySignatures } from "../../eatp/dist/verify/verifySignatures.js"
import { held, heldMs } from "../support/held.js"
import { many, soundCapability, soundDelegation } from "../support/shapedChain.js"
import { NOW, trustWorld, type World } from "../support/trustWorld.js"

describe("eatp: chains of the largest size", () => {
  let world: World
  beforeEach(async () => {
    world = trustWorld()
    await world.establish("top")
    await world.delegate("top", "agent")
  })
  const chainOf = (agentId: string) => world.chains.get(agentId)?.chain as TrustLineageChain

  it("are searched for revoked ancestors in slices, each record once", async () => {
    const name = { capability: "read_data", capabilitiesDelegated: ["read_data"] }
    for (let height = 0; height < 10; height++) {
      const agentId = height === 0 ? "top" : `top-${height}`
      const delegator = {
        ...soundDelegation,
        ...name,
        delegatorId: `top-${height + 1}`,
        delegateeId: agentId,
      }
      const chain = create(TrustLineageChainSchema, {
        genesis: { ...chainOf("top").genesis, agentId },
        capabilities: many(1_000, { ...soundCapability, ...name }),
        delegations: many(1_000, delegator),
      } as never)
      world.keep(chain)
    }
    const revocations = new Map([["top-5", { capabilities: new Set(["another"]) }]])
    const { result, longest } = await held(() => world.verify("agent", "standard", { revocations }))
    expect(result.valid).to.equal(true)
    expect(longest).to.be.lessThan(heldMs())
    const all = new Map([["top-5", { capabilities: new Set(many(1_000, {}).map(({ id }) => id)) }]])
    expect((await world.verify("agent", "standard", { revocations: all })).reason).to.equal(
      "CAPABILITY_REVOKED",
    )
  })

  it("have a hundred thousand constraints listed in slices", async () => {
    const chain = chainOf("agent")
    const constraints = Array.from({ length: 100_000 }, (_, index) => `c${index}`)
    Object.assign(chain.capabilities[0] ?? {}, { constraints })
    const { chains, authorities } = world
    const request = { agentId: "agent", action: "read_data", level: "full" } as const
    const { result, longest } = await held(() =>
      checkAuthority({ request, nowMicros: NOW, chains, authorities }),
    )
    expect([result.authorized, result.constraintsMet.length >= 100_000]).to.deep.equal([false, true])
    expect(longest).to.be.lessThan(heldMs())
  })

  it("have a mebibyte of small values in their metadata parsed, signed and compared in slices", async () => {
    const chain = chainOf("agent")
    const genesis = { ...(chain.genesis as GenesisRecord) }
    genesis.metadataJson = `{"constraints":[[${Array(350_000).fill("{}")}]]}`
    world.keep({ ...chain, genesis })
    const { chains, authorities } = world
    const request = { agentId: "agent", action: "read_data", level: "full" } as const
    const { result, longest } = await held(() =>
      checkAuthority({ request, nowMicros: NOW, chains, authorities }),
    )
    expect(result.authorized).to.equal(false)
    expect(result.constraintsMet).to.have.length(1)
    // Collecting so many objects as garbage takes its time, too; at once it was two seconds.
    expect(longest).to.be.lessThan(8 * heldMs())
  })

  it("have their signatures verified on other threads, each once", async () => {
    const chain = world.keep(await world.establish("signed"))
    Object.assign(chain, {
      capabilities: [...chain.capabilities, ...many(999, chain.capabilities[0] as object)],
    })
    const { chains, authorities } = world
    const asked: string[] = []
    const signatures = openSignatures({
      request: { agentId: "signed", action: "read_data", level: "full" },
      nowMicros: NOW,
      chains,
      authorities,
      firstStored: (_, signature) => void asked.push(signature),
    })(chain, chain.genesis as GenesisRecord)
    const all = () => [
      signatures.genesis(),
      ...chain.capabilities.map((capability) => signatures.capability(capability)),
      signatures.chainState(),
    ]
    const jobs: string[] = []
    const hook = createHook({ init: (_, type) => void jobs.push(type) }).enable()
    await verifySignatures([...all(), signatures.genesis()])
    await verifySignatures(all())
    hook.disable()
    expect(jobs.filter((type) => type === "SIGNREQUEST").length).to.equal(1_002)
    expect(asked.length).to.equal(1_002)
    const outcomes = all().map(({ outcome }) => outcome)
    // All capabilities but the first have an id that was not signed, and the state covers none of them.
    expect(outcomes.slice(0, 2)).to.deep.equal(["valid", "valid"])
    expect(new Set(outcomes.slice(2))).to.deep.equal(new Set(["invalid"]))
  })
})
