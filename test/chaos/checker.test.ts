import { expect } from "chai"
import { checkHistory } from "./checkHistory.js"
import type { Call, Outcome, Version } from "./history.js"
import { randomFrom } from "./random.js"

const BOUND_MS = 100

/** Creates a call at these times. `what` is the operation and the request_id: `store/a`. */
function call(
  what: string,
  invokedAt: number,
  endedAt: number,
  outcome: Outcome,
  more: Partial<Call> = {},
): Call {
  const [operation = "", requestId] = what.split("/")
  return {
    client: "someone",
    server: 0,
    life: 1,
    agentId: "agent",
    operation: operation as Call["operation"],
    ...(requestId === undefined ? {} : { requestId }),
    invokedAt,
    endedAt,
    outcome,
    ...more,
  }
}
const record = (revision: bigint, active = true, contentHash = "h"): Outcome => ({
  kind: "record",
  revision,
  contentHash,
  active,
})
const nothing: Outcome = { kind: "nothing" }
const unknown: Outcome = { kind: "unknown", reason: "no answer" }
const refused = (reason: string, current?: bigint): Outcome => ({
  kind: "refused",
  reason,
  ...(current === undefined ? {} : { current }),
})
const plain = { freshness: "plain" } as const
const strong = { freshness: "strong" } as const

/** Creates a change in history, with the request_id of its call. */
function change(
  revision: bigint,
  requestId: string,
  operation = "updated",
  more: Partial<Version> = {},
): Version {
  const status = { deleted: "deleted", purged: "deleted", revoked: "revoked" }[operation] ?? "active"
  return { revision, requestId, operation, status, agentId: "agent", contentHash: "h", ...more }
}
const created = change(1n, "a", "created")
const updated = change(2n, "b")
/** Two acknowledged stores, the second from 20 to 30. */
const stores = [call("store/a", 0, 10, record(1n)), call("store/b", 20, 30, record(2n))]

const rulesOf = (
  calls: readonly Call[],
  versions: readonly Version[],
  delegators: ReadonlyMap<string, string> = new Map(),
) => checkHistory({ calls, versions, boundMs: BOUND_MS, delegators }).map(({ rule }) => rule)

describe("the history checker", () => {
  const good = (calls: readonly Call[], versions: readonly Version[]) =>
    expect(checkHistory({ calls, versions, boundMs: BOUND_MS, delegators: new Map() })).to.deep.equal([])
  const bad = (rule: string, calls: readonly Call[], versions: readonly Version[]) =>
    expect(rulesOf(calls, versions)).to.include(rule)

  describe("for writes", () => {
    it("accepts an ordered history, and ignores writes without a response", () => {
      good(stores, [created, updated])
      const lost = call("store/c", 40, 50, unknown)
      good([...stores, lost], [created, updated])
      good([...stores, lost], [created, updated, change(3n, "c")])
      good([...stores, call("restore/c", 40, 50, record(2n))], [created, updated])
      good([...stores, call("delete/c", 40, 50, refused("REVISION_CONFLICT", 2n))], [created, updated])
    })

    it("detects an acknowledged write that is lost", () => {
      bad("lost", stores, [created])
    })

    it("detects a write that is applied twice", () => {
      bad("double", stores, [created, updated, change(3n, "b")])
      const again = change(4n, "b", "created", { agentId: "other" })
      bad("mixed up", stores, [created, updated, again])
    })

    it("detects a write with the revision or content of another", () => {
      bad("mixed up", [stores[0] as Call, call("store/b", 20, 30, record(3n))], [created, updated])
      bad(
        "mixed up",
        [stores[0] as Call, { ...(stores[1] as Call), contentHash: "of b" }],
        [created, updated],
      )
    })

    it("detects a change that nobody requested", () => {
      bad("unasked", stores, [created, updated, change(3n, "c")])
    })

    it("detects revisions out of acknowledgement order, even across agents", () => {
      const later = call("store/b", 20, 30, record(1n), { agentId: "other" })
      const versions = [change(2n, "a", "created"), change(1n, "b", "created", { agentId: "other" })]
      bad("order", [call("store/a", 0, 10, record(2n)), later], versions)
    })

    it("detects an expected_revision that is ignored, and one that is refused although it matches", () => {
      const conditional = (expectedRevision: bigint) => [
        stores[0] as Call,
        { ...(stores[1] as Call), expectedRevision },
      ]
      good(conditional(1n), [created, updated])
      bad("condition", conditional(0n), [created, updated])
      const conflict = call("store/c", 40, 50, refused("REVISION_CONFLICT", 1n))
      bad("strong", [...stores, conflict], [created, updated])
    })

    it("detects a refused write that was applied", () => {
      const refusal = call("store/b", 20, 30, refused("TRUST_CHAIN_REVOKED"))
      bad("refused", [stores[0] as Call, refusal], [created, updated])
    })

    it("detects a refused retry of an acknowledged write", () => {
      const retry = call("store/b", 40, 50, refused("REVISION_CONFLICT", 2n))
      bad("replay", [...stores, retry], [created, updated])
      good([...stores, call("store/b", 40, 50, record(2n))], [created, updated])
    })

    it("detects a partially applied atomic batch", () => {
      const batch = [
        call("store/c", 40, 50, unknown, { batch: "c" }),
        call("store/d", 40, 50, unknown, { batch: "c", agentId: "other" }),
      ]
      const [one, other] = [change(3n, "c"), change(4n, "d", "created", { agentId: "other" })]
      good([...stores, ...batch], [created, updated])
      good([...stores, ...batch], [created, updated, one, other])
      bad("torn", [...stores, ...batch], [created, updated, one])
    })

    it("detects transitions that no operation makes, and unknown error reasons", () => {
      bad("step", stores, [created, change(2n, "b", "restored")])
      bad("refused", [...stores, call("store/c", 40, 50, refused("INTERNAL"))], [created, updated])
      bad(
        "refused",
        [...stores, call("read", 40, 50, refused("INVALID_REQUEST"), strong)],
        [created, updated],
      )
    })
  })

  describe("for reads", () => {
    const reading = (outcome: Outcome, at: number, more: Partial<Call>) => [
      ...stores,
      call("read", at, at + 5, outcome, { life: 2, ...more }),
    ]
    const versions = [created, updated]

    it("accepts strong reads of the current state or of a concurrent change", () => {
      good(reading(record(2n), 40, strong), versions)
      good(reading(record(1n), 25, strong), versions)
      good(reading(record(2n), 25, strong), versions)
    })

    it("detects a strong read of a replaced state, or of one not yet written", () => {
      bad("strong", reading(record(1n), 31, strong), versions)
      bad("strong", reading(nothing, 31, strong), versions)
      bad("future", reading(record(2n), 12, strong), versions)
    })

    it("detects two strong reads of which the later returns the older state", () => {
      const open = [stores[0] as Call, call("store/b", 20, 1_000, unknown)]
      const [first, second] = [
        call("read", 40, 45, record(2n), strong),
        call("read", 50, 55, record(1n), strong),
      ]
      good([...open, first], versions)
      good([...open, second], versions)
      bad("order", [...open, first, second], versions)
    })

    it("accepts stale plain reads within the maximum age, and detects older ones", () => {
      good(reading(record(1n), 129, plain), versions)
      bad("bound", reading(record(1n), 131, plain), versions)
      bad("bound", reading(nothing, 120, plain), versions)
    })

    it("detects reads older than their min_revision or the maximum age", () => {
      good(reading(record(1n), 40, { freshness: 1n }), versions)
      bad("min_revision", reading(record(1n), 40, { freshness: 2n }), versions)
      bad("bound", reading(record(1n), 140, { freshness: 1n }), versions)
    })

    it("detects a plain read that misses a write through the same process", () => {
      bad("own write", reading(record(1n), 40, { ...plain, life: 1 }), versions)
      good(reading(record(1n), 40, { ...plain, life: 1, server: 1 }), versions)
    })

    it("detects a state that was never written", () => {
      bad("invented", reading(record(7n), 40, plain), versions)
      bad("invented", reading(record(2n, true, "other"), 40, plain), versions)
    })

    it("detects an inactive chain in a read that excludes inactive ones", () => {
      const calls = [...stores, call("delete/c", 40, 50, record(3n, false))]
      const deleted = [...versions, change(3n, "c", "deleted")]
      good([...calls, call("read", 60, 65, nothing, strong)], deleted)
      good([...calls, call("read", 60, 65, record(3n, false), { ...strong, includeInactive: true })], deleted)
      bad("invented", [...calls, call("read", 60, 65, record(3n, false), strong)], deleted)
      bad("strong", [...calls, call("read", 60, 65, record(2n), strong)], deleted)
    })
  })

  describe("for revocations", () => {
    const both = [
      call("store/a", 0, 10, record(1n), { agentId: "root" }),
      call("store/b", 11, 12, record(2n), { agentId: "leaf" }),
    ]
    const stored = [
      change(1n, "a", "created", { agentId: "root" }),
      change(2n, "b", "created", { agentId: "leaf" }),
    ]
    const revoked = [
      change(3n, "r", "revoked", { agentId: "root" }),
      change(4n, "r", "revoked", { agentId: "leaf" }),
    ]
    const cascadeOf = (agents: string[]): Outcome => ({ kind: "revocation", revision: 4n, agents })
    const revoking = call("revoke/r", 20, 30, cascadeOf(["root", "leaf"]), { agentId: "root" })
    const delegators = new Map([["leaf", "root"]])

    it("accepts a complete cascade, and detects a missing agent", () => {
      expect(rulesOf([...both, revoking], [...stored, ...revoked], delegators)).to.deep.equal([])
      const few = { ...revoking, outcome: cascadeOf(["root"]) }
      expect(rulesOf([...both, few], [...stored, revoked[0] as Version], delegators)).to.include("revoked")
      expect(rulesOf([...both, few], [...stored, ...revoked], delegators)).to.include("revoked")
    })

    it("detects a delegatee that is returned after its revocation", () => {
      const read = (at: number, more: Partial<Call>) =>
        call("read", at, at + 5, record(2n), { agentId: "leaf", life: 2, ...more })
      const rules = (read: Call) => rulesOf([...both, revoking, read], [...stored, ...revoked], delegators)
      expect(rules(read(40, strong))).to.include("strong")
      expect(rules(read(40, { freshness: 4n }))).to.include("min_revision")
      expect(rules(read(131, plain))).to.include("bound")
      expect(rules(read(129, plain))).to.deep.equal([])
    })

    it("detects a revoked agent that is active again", () => {
      const again = change(5n, "c", "restored", { agentId: "leaf" })
      const restoring = call("restore/c", 40, 50, record(5n), { agentId: "leaf" })
      expect(rulesOf([...both, revoking, restoring], [...stored, ...revoked, again], delegators)).to.include(
        "revoked",
      )
    })

    it("detects a change in the middle of a cascade", () => {
      const amid = [
        change(3n, "r", "revoked", { agentId: "root" }),
        change(4n, "c", "updated", { agentId: "leaf" }),
        change(5n, "r", "revoked", { agentId: "leaf" }),
      ]
      const late = { ...revoking, outcome: { ...cascadeOf(["root", "leaf"]), revision: 5n } as Outcome }
      const writing = call("store/c", 20, 30, record(4n), { agentId: "leaf" })
      expect(rulesOf([...both, late, writing], [...stored, ...amid], delegators)).to.include("revoked")
    })
  })

  it("derives choices from the seed alone", () => {
    const [first, second] = [randomFrom(7), randomFrom(7)]
    first.next()
    const of = (random: ReturnType<typeof randomFrom>) =>
      Array.from({ length: 20 }, () => random.between(1, 1_000))
    expect(of(first.child("a"))).to.deep.equal(of(second.child("a")))
    expect(of(first.child("a"))).to.not.deep.equal(of(first.child("b")))
    expect(of(randomFrom(8))).to.not.deep.equal(of(second))
  })
})
