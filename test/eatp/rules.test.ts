import { create } from "@bufbuild/protobuf"
import {
  acceptHead,
  capabilityCovers,
  cascade,
  type DelegationEdge,
  delegationCycle,
  type HeadCommitment,
  type JsonObject,
  lineageOf,
  linkHashes,
  looserConstraints,
  mayDelegate,
  merkleProof,
  merkleRoot,
  parseJson,
  RevocationError,
  sha256Hex,
  verifyMerkleProof,
} from "@trust-registry/eatp"
import { DelegationRecordSchema, TrustLineageChainSchema } from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"

describe("rules", () => {
  it("match capabilities to actions as EATP does, with stars in any position", () => {
    const covers = {
      "*": "x",
      "read_*": "read_",
      "*_data": "a_data",
      "a*c": "abc",
      "ab*bc": "abc",
      "é*": "éa",
    }
    for (const [pattern, action] of Object.entries(covers)) {
      expect(capabilityCovers(pattern, action), pattern).to.equal(true)
    }
    for (const action of ["", "x"]) expect(capabilityCovers("", action), action).to.equal(false)
    const not = { read: "read_data", "a*b*c": "abc", "*x*": "axb", "**": "x", "read_*": "Read_data" }
    for (const [pattern, action] of Object.entries(not)) {
      expect(capabilityCovers(pattern, action), pattern).to.equal(false)
    }
    fc.assert(
      fc.property(fc.string(), fc.string(), (head, tail) => {
        fc.pre(!head.includes("*"))
        expect(capabilityCovers(`${head}*`, head + tail)).to.equal(true)
      }),
    )
  })

  const looser = (parent: string, child: string) =>
    looserConstraints(parseJson(parent) as JsonObject, parseJson(child) as JsonObject).map(
      ({ field }) => field,
    )

  it("narrow resources only within their folders", () => {
    const covered: [string, string][] = [
      ["db/**", "db/a/b"],
      ["db/*", "db/a"],
      ["**", "any/thing"],
      ["db/?", "db/a"],
      ["a/**/z", "a/b/c/z"],
      ["a.b/*", "a.b/c"],
    ]
    for (const [parent, child] of covered) {
      expect(looser(`{"resources":["${parent}"]}`, `{"resources":"${child}"}`), parent).to.deep.equal([])
    }
    const beyond: [string, string][] = [
      ["db/**", "dbx/secret"],
      ["db/?", "db/ab"],
      ["a.b/*", "aXb/c"],
      ["db/a", "db"],
      ["*.txt", "a/b.txt"],
    ]
    for (const [parent, child] of beyond) {
      expect(looser(`{"resources":["${parent}"]}`, `{"resources":["${child}"]}`), parent).to.deep.equal([
        "resources",
      ])
    }
  })

  it("allow no number to grow, however it is written", () => {
    expect(looser('{"cost_limit":"1_000"}', '{"cost_limit":1000.0}')).to.deep.equal([])
    for (const child of ['"inf"', '"nan"', "1e400", "1000.0001", '" 1001 "']) {
      expect(looser('{"cost_limit":1000}', `{"cost_limit":${child}}`), child).to.deep.equal(["cost_limit"])
    }
    expect(looser('{"api":{"a":{"b":true}}}', '{"api":{"a":{"b":2}}}')).to.deep.equal(["api.a.b"])
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (limit, own) => {
        fc.pre(Number.isFinite(limit) && Number.isFinite(own))
        expect(looser(`{"rate_limit":${limit}}`, `{"rate_limit":${own}}`).length > 0).to.equal(own > limit)
      }),
    )
  })

  it("narrow a time window, and treat an invalid window as none", () => {
    const window = (parent: string, child: string) =>
      looser(`{"time_window":"${parent}"}`, `{"time_window":"${child}"}`).length === 0
    expect(window("09:00-17:00", "9:00 - 17:00")).to.equal(true)
    expect(window("09:00-17:00", "08:59-17:00")).to.equal(false)
    expect(window("09:00-17:00", "09:00-24:00")).to.equal(false)
    expect(window("always", "09:00-10:00")).to.equal(false)
    for (const blank of ["\ufeff", "\u00a0", "\u3000"])
      expect(window("09:00-17:00", `${blank}10:00-16:00`), JSON.stringify(blank)).to.equal(false)
  })

  it("do not find a time window looser than itself, and none over midnight within one of the day", () => {
    const window = (parent: string, child: string) =>
      looser(`{"time_window":"${parent}"}`, `{"time_window":"${child}"}`).length === 0
    expect(window("always", "always")).to.equal(true)
    expect(window("22:00-06:00", "22:00-06:00")).to.equal(true)
    expect(window("22:00-06:00", "23:00-05:00")).to.equal(true)
    expect(window("09:00-17:00", "10:00-09:30")).to.equal(false)
  })

  it("refuse numbers that only some readers take for numbers, unless they are unchanged", () => {
    for (const text of ["\\u001f5000", "５０００", "\u00a05000", "\ufeff5000", "٥٠٠٠"]) {
      expect(looser('{"cost_limit":1000}', `{"cost_limit":"${text}"}`), text).to.deep.equal(["cost_limit"])
      expect(looser(`{"cost_limit":"${text}"}`, '{"cost_limit":1000000}'), text).to.deep.equal(["cost_limit"])
      expect(looser(`{"cost_limit":"${text}"}`, `{"cost_limit":"${text}"}`), text).to.deep.equal([])
    }
  })

  it("keep numbers in lists apart from texts", () => {
    for (const field of ["allowed_actions", "data_scopes", "communication_targets", "resources"]) {
      expect(looser(`{"${field}":[1]}`, `{"${field}":["1"]}`), field).to.deep.equal([field])
      expect(looser(`{"${field}":["1"]}`, `{"${field}":[1]}`), field).to.deep.equal([field])
      expect(looser(`{"${field}":[1]}`, `{"${field}":[1]}`), field).to.deep.equal([])
    }
    expect(looser('{"forbidden_actions":[1]}', '{"forbidden_actions":["1"]}')).to.deep.equal([
      "forbidden_actions",
    ])
  })
})

describe("delegation graphs", () => {
  const long = Array.from({ length: 50_000 }, (_, at): DelegationEdge => [`a${at}`, `a${at + 1}`])

  it("can be traversed at any length", () => {
    expect(delegationCycle(long)).to.equal(undefined)
    expect(cascade(long, "a0")).to.have.length(50_001)
    expect(mayDelegate(long, ["a50000", "a0"])).to.equal(false)
    expect(mayDelegate(long, ["a0", "a50000"])).to.equal(true)
  })

  it("report the cycle itself", () => {
    expect(
      delegationCycle([
        ["x", "a"],
        ["a", "b"],
        ["b", "a"],
      ]),
    ).to.deep.equal(["a", "b", "a"])
  })

  it("allow a delegation exactly if the delegatee does not delegate back (property)", () => {
    const agent = fc.constantFrom("a", "b", "c", "d", "e")
    fc.assert(
      fc.property(
        fc.array(fc.tuple(agent, agent), { maxLength: 8 }),
        fc.tuple(agent, agent),
        (edges, [from, to]) => {
          fc.pre(delegationCycle(edges) === undefined)
          expect(mayDelegate(edges, [from, to])).to.equal(!cascade(edges, to).includes(from))
        },
      ),
      { numRuns: 500 },
    )
  })

  it("give each agent its lineage through the chains of others", () => {
    const chains: Record<string, string[]> = {
      d: ["b", "c"],
      b: ["a"],
      c: ["b"],
      x: ["y"],
      y: ["x"],
      z: ["gone"],
    }
    const lineage = (agentId: string) =>
      lineageOf(agentId, (id) =>
        create(TrustLineageChainSchema, {
          delegations: (chains[id] ?? []).map((delegatorId) =>
            create(DelegationRecordSchema, { delegatorId }),
          ),
        }),
      )
    expect(lineage("a")).to.deep.equal({ depth: 0, ancestors: new Set() })
    expect(lineage("d").depth).to.equal(3)
    expect([...lineage("d").ancestors].sort()).to.deep.equal(["a", "b", "c"])
    expect(lineage("z")).to.deep.equal({ depth: 1, ancestors: new Set(["gone"]) })
    expect(lineage("x").cycle).to.deep.equal(["x", "y", "x"])
  })
})

describe("hash trees and heads", () => {
  it("prove each leaf of a tree, and no other (property)", () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 40 }), fc.nat(), (texts, pick) => {
        const leaves = texts.map(sha256Hex)
        const at = pick % leaves.length
        const [leaf, root] = [leaves[at] as string, merkleRoot(leaves) as string]
        const proof = merkleProof(leaves, at) ?? []
        expect(verifyMerkleProof(leaf, proof, root)).to.equal(true)
        expect(verifyMerkleProof(sha256Hex(leaf), proof, root)).to.equal(false)
      }),
    )
    expect(merkleProof(["a"], 1)).to.equal(undefined)
    expect(linkHashes(["a"])).to.deep.equal([sha256Hex("linked:genesis:a")])
  })

  it("accept no head that goes back, and no second head of an epoch", () => {
    const head = (epoch: bigint, tipHash: string): HeadCommitment => ({
      ...{ epoch, tipHash, blockCount: 0n, revocationLedgerTip: "00", signedAt: "" },
    })
    const water = acceptHead({ epoch: 0n }, head(5n, "aa"))
    expect(acceptHead(water, head(5n, "aa"))).to.deep.equal(water)
    expect(() => acceptHead(water, head(4n, "aa"))).to.throw(RevocationError, "anti-rollback")
    expect(() => acceptHead(water, head(5n, "bb"))).to.throw(RevocationError, "equivocation")
    expect(acceptHead(water, head(6n, "bb")).tipHash).to.equal("bb")
  })
})
