import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { inTurns, type RevokedOrigin, revokedDescendants } from "@trust-registry/eatp"
import { TrustLineageChainSchema } from "@trust-registry/proto"
import { expect } from "chai"
import { atOnce } from "../../eatp/dist/turns/turns.js"
import { held, heldMs } from "../support/held.js"

type Init = MessageInitShape<typeof TrustLineageChainSchema>

function placed(agentId: string, stored: bigint, { delegations = [], capabilities = [] }: Init) {
  const init = { genesis: { agentId }, delegations, capabilities }
  return { chain: create(TrustLineageChainSchema, init), stored }
}

describe("what descends from a revoked record", () => {
  const given = (id: string, delegatorId: string, ...capabilitiesDelegated: string[]) => ({
    ...{ id, delegatorId, capabilitiesDelegated },
  })
  const found = (origin: Partial<RevokedOrigin>, chains: ReturnType<typeof placed>[]) => {
    const whole = { kind: "DELEGATION" as const, agentId: "top", names: ["read_*"], since: 10n, ...origin }
    return [...atOnce(revokedDescendants([whole], chains))]
      .flatMap(([agentId, { delegations, capabilities }]) =>
        [...delegations, ...capabilities].map((id) => `${agentId}/${id}`),
      )
      .sort()
  }

  it("of a delegation are those by its holder of what it covers, and those below, in cycles too", () => {
    const chains = [
      placed("a", 1n, {
        delegations: [
          given("1", "top", "read_x", "write"),
          given("2", "top", "list"),
          given("3", "a", "write"),
        ],
      }),
      placed("b", 1n, { delegations: [given("1", "a", "write"), given("2", "a", "list")] }),
      placed("top", 1n, { delegations: [given("1", "b", "write"), given("", "b", "write")] }),
    ]
    expect(found({}, chains)).to.deep.equal(["a/1", "a/3", "b/1", "top/1"])
    expect(found({ names: ["read"] }, chains)).to.deep.equal([])
  })

  it("of a capability are those that its holder delegated by a name that it covers, and those below", () => {
    const chains = [
      placed("a", 1n, {
        delegations: [given("1", "top", "read_x", "list")],
        capabilities: ["read_x", "read_y", "list", "read_x"].map((capability, at) => ({
          id: `c${at}`,
          capability,
        })),
      }),
      placed("b", 1n, {
        delegations: [given("1", "a", "read_x", "list")],
        capabilities: [
          { id: "c", capability: "read_x" },
          { id: "", capability: "read_x" },
          { id: "l", capability: "list" },
        ],
      }),
    ]
    expect(found({ kind: "CAPABILITY" }, chains)).to.deep.equal(["a/c0", "a/c3", "b/c"])
  })

  it("were stored before it was revoked", () => {
    const chains = [
      placed("a", 9n, { delegations: [given("1", "top", "read_x")] }),
      placed("b", 10n, { delegations: [given("1", "top", "read_x"), given("2", "a", "read_x")] }),
      placed("c", 9n, { delegations: [given("1", "b", "read_x")] }),
    ]
    expect(found({}, chains)).to.deep.equal(["a/1"])
    expect(found({ since: 11n }, chains)).to.deep.equal(["a/1", "b/1", "b/2", "c/1"])
  })

  it("are worked out in turns, each name of an agent once", async () => {
    const names = Array.from({ length: 100 }, (_, at) => `n${at}_*`)
    const level = (depth: number) =>
      Array.from({ length: 40 }, (_, at) =>
        placed(`${depth}-${at}`, 1n, {
          delegations: Array.from({ length: depth === 1 ? 1 : 40 }, (_, above) =>
            given(`d${above}`, depth === 1 ? "top" : `${depth - 1}-${above}`, ...names),
          ),
        }),
      )
    const chains = [1, 2, 3].flatMap(level)
    const origin = { kind: "DELEGATION" as const, agentId: "top", names: ["*"], since: 10n }
    const { result, longest } = await held(async () => await inTurns(revokedDescendants([origin], chains)))
    expect([...result.values()].every(({ delegations }) => delegations.size > 0)).to.equal(true)
    expect(result.size).to.equal(120)
    expect(longest).to.be.lessThan(2 * heldMs())
  })
})
