import { readFileSync } from "node:fs"
import { join } from "node:path"
import { create } from "@bufbuild/protobuf"
import {
  chainStatePayload,
  checkAuthority,
  type Delegation,
  type Establishment,
  type JsonObject,
  parseJson,
  RULE_NAMES,
  signText,
  type TrustRequest,
  verifyTrust,
} from "@trust-registry/eatp"
import { CapabilityType, ConstraintSchema, ConstraintType } from "@trust-registry/proto"
import { expect } from "chai"
import { NOW, signerOf, trustWorld, type World } from "../support/trustWorld.js"

type Asked = Partial<Pick<TrustRequest, "action" | "resource" | "heeds" | "denyUnenforced">> & {
  context?: object
}
/** A limit, with questions that meet it, that do not, and that nobody could judge. */
type Row = {
  limits: readonly string[]
  met: readonly Asked[]
  unmet: readonly Asked[]
  open: readonly (Asked & { limit?: string })[]
}

const at = (current_time: string, action = "read_data") => ({ action, context: { current_time } })
const TUESDAY = "2026-09-01"
const SUNDAY = "2026-09-06"
const given = (context: object, action = "read_data") => ({ action, context })

/** By the first cell of each row of the guide's table. */
const ROWS: Record<string, Row> = {
  "`business_hours_only`": {
    limits: ["business_hours_only", "Business_Hours_Only", "business_hours_only=true"],
    met: [{}, at(`${TUESDAY}T09:00:00+05:30`), at(`${TUESDAY}T16:59:59Z`)],
    unmet: [at(`${TUESDAY}T17:00:00Z`), at(`${SUNDAY}T10:00:00Z`), at("noon"), given({ current_time: null })],
    open: [{ limit: "business_hours_only=perhaps" }],
  },
  "`time_window:HH:MM-HH:MM`": {
    limits: [
      "time_window:10:00-12:30",
      "time_window=10:00-12:30Z",
      "time_window:12:00-14:30 Europe/Berlin",
      "time_window:23:00-12:30",
    ],
    met: [at(`${TUESDAY}T10:00:00Z`), at(`${TUESDAY}T12:29:59+00:00`)],
    unmet: [at(`${TUESDAY}T12:30:00Z`), at(`${TUESDAY}T08:30:00Z`), at("noon"), at(`${TUESDAY}T22:00:00Z`)],
    open: ["always", "x", "09:00", "09:00-25:00", "10:00-10:00", "10:00-12:30 Nowhere/Else"].map((text) => ({
      limit: `time_window:${text}`,
    })),
  },
  "`read_only`, `read-only`, `readonly`, `allow_state_mutation=false`": {
    limits: [
      "read_only",
      "READ-ONLY",
      "ReadOnly",
      "read only",
      "read_only=true",
      "allow_state_mutation=false",
    ],
    met: ["read", "read_data", "listFiles", "files:read", "get-status", "db.read"].map((action) => ({
      action,
    })),
    unmet: [
      "drop_table",
      "purge",
      "send_email",
      "",
      "tools:run",
      "get_and_purge",
      "get_or_create",
      "nuke:list",
      "delete_data",
      "spread_list",
    ].map((action) => ({ action })),
    open: [{ limit: "read_only=maybe" }],
  },
  "`no_pii_export`": {
    limits: ["no_pii_export", "No_PII_Export", "no_pii_export=true"],
    met: [
      {},
      given({ contains_pii: false }, "export_data"),
      given({ contains_pii: true }),
      given({ contains_pii: false }, "send_email"),
    ],
    unmet: [given({ contains_pii: true }, "export_data"), given({ contains_pii: "yes" }, "EXPORT")],
    open: [
      { action: "export_data" },
      { action: "send_email" },
      given({ contains_pii: null }, "export_data"),
      given({ contains_pii: true }, "send_email"),
    ],
  },
  "`allowed_actions:LIST`": {
    limits: [
      "allowed_actions:read_data,list_*",
      'allowed_actions=["read_data", "list_*"]',
      "Allowed_Actions: read_data list_*",
    ],
    met: [{}, { action: "list_" }, { action: "list_files" }],
    unmet: [{ action: "pay" }, { action: "Read_data" }, { action: "" }],
    open: [{ limit: "allowed_actions" }, { limit: "allowed_actions=[1]" }, { limit: "allowed_actions=[" }],
  },
  "`forbidden_actions:LIST`": {
    limits: ["forbidden_actions:pay, *delete*", 'forbidden_actions=["pay","*delete*"]'],
    met: [{}, { action: "pay_back" }],
    unmet: [{ action: "pay" }, { action: "PAY" }, { action: "undeleted" }],
    open: [{ limit: "forbidden_actions:" }, { limit: 'forbidden_actions=[{"a":1}]' }],
  },
  "`max_NAME:NUMBER`, `cost_limit:NUMBER`": {
    limits: ["max_amount:500", "Max_Amount = 5e2", "cost_limit=500.0"],
    met: [given({ amount: 500, cost: 500 }), given({ amount: -1, cost: 0 })],
    unmet: [given({ amount: 500.01, cost: 501 }), given({ amount: 1e300, cost: 1e300 })],
    open: [
      {},
      given({ amount: "1", cost: true }),
      { ...given({ amount: 1 }), limit: "max_amount:five" },
      { ...given({ amount: 1 }), limit: "max_amount:５" },
      { ...given({ amount: 1 }), limit: "max_amount" },
    ],
  },
  "`geo:LIST`, `geo_restrictions:LIST`, `region:LIST`": {
    limits: ["geo:DE,FR", 'geo_restrictions=["DE"]', "region:de"],
    met: [given({ geo: "DE", region: "DE" }), given({ geo: "de", region: "de" })],
    unmet: [given({ geo: "US", region: "US" }), given({ geo: "D", region: "*" })],
    open: [{}, given({ geo: "", region: 1 })],
  },
  "`domain:LIST`": {
    limits: ["domain:finance"],
    met: [given({ domain: "finance" })],
    unmet: [given({ domain: "ops" })],
    open: [{}],
  },
  "`allowed_tools:LIST`": {
    limits: ["allowed_tools:http,shell", 'allowed_tools=["http"]'],
    met: [given({ tool: "http" })],
    unmet: [given({ tool: "ftp" })],
    open: [{}, given({ tool: ["http"] })],
  },
  "`resources:LIST`": {
    limits: ["resources:db/**", 'resources=["db/*/**","db/a"]'],
    met: [{ resource: "db/a" }],
    unmet: [{ resource: "dbx/a" }, { resource: "db/../secret" }, { resource: "db/a/.." }],
    open: [{}],
  },
  "`operations:LIST`": {
    limits: ["operations:read,approve", 'operations=["read","approve"]'],
    met: [{}, { action: "approve_payment" }, { action: "list_files" }, { action: "approve" }],
    unmet: [{ action: "pay" }, { action: "reapprove" }],
    open: [{ limit: "operations=[]" }],
  },
  "`no_delegation`, `allow_delegation=false`": {
    limits: ["no_delegation", "allow_delegation=false"],
    met: [{}],
    unmet: [],
    open: [{ limit: "no_delegation=perhaps" }],
  },
  "any other": {
    limits: ["rate_limit=5", "audit_required", "budget_limit:9", "eu_only", "", "max_"],
    met: [],
    unmet: [],
    open: [{}, { action: "pay" }, given({ rate_limit: 1 })],
  },
}

describe("eatp: limits on an action", () => {
  const guide = readFileSync(join(import.meta.dirname, "..", "..", "docs", "guide.md"), "utf8")
  const table = guide.slice(guide.indexOf("| limit |"), guide.indexOf("A list is JSON"))
  const cells = table
    .trimEnd()
    .split("\n")
    .slice(2)
    .map((row) => row.split(" | ")[0]?.replace(/^\| /, ""))

  it("are those of the guide's table", () => {
    expect(cells).to.deep.equal(Object.keys(ROWS))
  })

  let world: World
  beforeEach(() => {
    world = trustWorld()
  })
  const inputOf = ({ context, ...asked }: Asked) => ({
    ...{ nowMicros: NOW, chains: world.chains, authorities: world.authorities },
    request: {
      ...{ agentId: "agent", action: "read_data", level: "full" as const, ...asked },
      ...(context && { context: parseJson(JSON.stringify(context)) as JsonObject }),
    },
  })
  const check = (asked: Asked) => checkAuthority(inputOf(asked))
  const verify = (asked: Asked) => verifyTrust(inputOf(asked))
  const ANY = { capability: "*", capabilityType: CapabilityType.ACCESS }
  const bound = (limit: string, changes: Partial<Establishment> = {}) =>
    world.establish("agent", { capabilities: [{ ...ANY, constraints: [limit] }], ...changes })

  for (const [cell, { limits, met, unmet, open }] of Object.entries(ROWS))
    it(`such as ${cell}`, async () => {
      for (const limit of limits) {
        await bound(limit)
        for (const asked of met)
          expect(await check(asked), said(limit, asked)).to.include({ authorized: true })
        for (const asked of met) expect((await verify(asked)).unenforcedConstraints).to.deep.equal([])
        for (const asked of unmet) await isUnmet(limit, asked, PARITY.test(cell))
        for (const asked of open) if (asked.limit === undefined) await isOpen(limit, asked)
      }
      for (const { limit, ...asked } of open) if (limit !== undefined) await isOpen(limit, asked)
    })

  // By these VerifyTrust denies only if it is asked to deny what is not enforced; the reference implementation permits.
  const PARITY = /read_only|operations/

  async function isUnmet(limit: string, asked: Asked, onlyIfAsked: boolean) {
    const denial = { reason: "CONSTRAINT_VIOLATION" }
    expect(await check({ ...asked, heeds: [limit || "x"] }), said(limit, asked)).to.include(denial)
    expect(await verify({ ...asked, denyUnenforced: true }), said(limit, asked)).to.include(denial)
    const usual = await verify(asked)
    if (!onlyIfAsked || !usual.valid) expect(usual, said(limit, asked)).to.include(denial)
    else expect(usual.unenforcedConstraints[0], said(limit, asked)).to.have.property("constraint", limit)
  }
  async function isOpen(limit: string, asked: Asked) {
    await bound(limit)
    const { reason, explanation, unenforcedConstraints } = await check(asked)
    expect(reason, said(limit, asked)).to.equal("CONSTRAINT_NOT_ENFORCED")
    expect(explanation).to.contain(limit)
    expect(unenforcedConstraints.map(({ constraint }) => constraint)).to.deep.equal([limit])
    const verdict = await verify(asked)
    expect([verdict.valid, verdict.unenforcedConstraints]).to.deep.equal([true, unenforcedConstraints])
    expect((await verify({ ...asked, denyUnenforced: true })).reason).to.equal("CONSTRAINT_NOT_ENFORCED")
    if (limit === "" || limit.includes("*")) return
    for (const heeds of [[limit.toUpperCase()], [`${limit.slice(0, 2)}*`]]) {
      expect((await check({ ...asked, heeds })).authorized, `${heeds}`).to.equal(true)
      expect((await verify({ ...asked, heeds, denyUnenforced: true })).valid, `${heeds}`).to.equal(true)
    }
    expect((await check({ ...asked, heeds: [`x${limit}`, "y*"] })).authorized).to.equal(false)
  }
  const said = (limit: string, asked: Asked) => `${limit}: ${JSON.stringify(asked)}`

  it("bind wherever they are signed: in the genesis record, a capability, its scope, a delegation and the envelope", async () => {
    const open = async (asked: Asked = {}) =>
      (await check(asked)).unenforcedConstraints.map(({ constraint, source }) => [
        constraint,
        source.split(":")[0],
      ])
    await world.establish("agent", {
      metadataJson: '{"constraints":["a=1",{"cost_limit":5,"b":{"c":[1]}},7]}',
    })
    expect(await open()).to.deep.equal([
      ["a=1", "genesis"],
      ["cost_limit=5", "genesis"],
      ["b={'c': [1]}", "genesis"],
      ["7", "genesis"],
    ])
    await world.establish("agent", {
      capabilities: [{ ...ANY, scopeJson: '{"tables":["t1"],"resources":["db/*"],"max_rows":5}' }],
    })
    expect(await open()).to.deep.equal(
      ["scope.tables=['t1']", "scope.resources=['db/*']", "scope.max_rows=5"].map((text) => [
        text,
        "capability",
      ]),
    )
    const heeds = ["scope.tables"]
    expect(await check({ heeds, resource: "db/t1", context: { rows: 5 } })).to.include({ authorized: true })
    expect(await check({ heeds, resource: "fs/t1", context: { rows: 5 } })).to.include({
      reason: "CONSTRAINT_VIOLATION",
    })
    expect(await check({ heeds, resource: "db/t1", context: { rows: 6 } })).to.include({
      reason: "CONSTRAINT_VIOLATION",
    })
  })

  it("bind as a delegation's engine limits, tool list, scope and dimensions", async () => {
    await world.establish("top", { capabilities: [ANY] })
    const engine: Delegation["engine"] = {
      constraints: {
        allowNetwork: true,
        allowDelegation: true,
        allowedTools: { names: ["http"] },
        maxContextTokens: 9n,
      },
      resourceLimits: { maxLlmCalls: 50n },
      scope: { domain: "ops", maxFinancialCents: 100n, operations: ["read"] },
    }
    world.keep(await world.delegate("top", "agent", { capabilities: ["*"], engine }))
    const texts = async (asked: Asked) =>
      (await check(asked)).unenforcedConstraints.map(({ constraint }) => constraint)
    expect(await texts({})).to.deep.equal([
      "allow_code_execution=False",
      "allow_filesystem=False",
      "allowed_tools=['http']",
      "max_context_tokens=9",
      "max_execution_secs=0",
      "max_llm_calls=50",
      "max_tool_calls=0",
      "max_total_tokens=0",
      "scope.domain=ops",
      "scope.max_financial_cents=100",
    ])
    const heeds = ["allow_code_execution", "allow_filesystem", "max_*"]
    const context = { tool: "http", domain: "ops", financial_cents: 100 }
    expect(await check({ heeds, context })).to.include({ authorized: true })
    for (const wrong of [{ tool: "ftp" }, { domain: "fin" }, { financial_cents: 101 }, { llm_calls: 51 }])
      expect(await check({ heeds, context: { ...context, ...wrong } }), JSON.stringify(wrong)).to.include({
        reason: "CONSTRAINT_VIOLATION",
      })
    expect(await check({ heeds, context, action: "drop_table" })).to.include({
      reason: "CONSTRAINT_VIOLATION",
    })
  })

  it("bind from every record on the path, though not from another capability", async () => {
    const other = {
      capability: "other",
      capabilityType: CapabilityType.ACCESS,
      constraints: ["of_another"],
    }
    await world.establish("top", {
      capabilities: [{ ...ANY, constraints: ["from_above"], scopeJson: '{"db":"a"}' }, other],
    })
    await world.delegate("top", "middle", { constraints: ["from_between"] })
    await world.delegate("middle", "agent")
    const agent = world.chains.get("agent")?.chain
    if (agent === undefined) throw new Error("delegate keeps the chain")
    const { unenforcedConstraints } = await check({})
    const named = unenforcedConstraints.map(({ constraint }) => constraint)
    expect(named).to.include.members(["from_above", "from_between", "scope.db=a"])
    expect(await check({ heeds: ["from_*", "scope.db", "of_*"] })).to.include({ authorized: true })
    expect(await check({ heeds: ["from_*", "of_*"] })).to.include({ reason: "CONSTRAINT_NOT_ENFORCED" })
    const top = await checkAuthority({ ...inputOf({}), request: { ...inputOf({}).request, agentId: "top" } })
    expect(top.unenforcedConstraints.map(({ constraint }) => constraint)).to.deep.equal([
      "from_above",
      "scope.db=a",
    ])
  })

  it("bind if they forbid to delegate what was delegated on", async () => {
    await world.establish("top", { capabilities: [ANY] })
    await world.delegate("top", "middle")
    await world.delegate("middle", "agent")
    expect(await check({})).to.include({ authorized: true })
    world.chains.delete("middle")
    await world.delegate("top", "middle", { constraints: ["no_delegation"] })
    const { reason, constraintsUnmet } = await check({})
    expect(reason).to.equal("CONSTRAINT_VIOLATION")
    expect(constraintsUnmet[0]).to.include({ constraint: "no_delegation", evaluated: true })
  })

  it("bind from the envelope, whatever it says of their source", async () => {
    const other = { capability: "other", capabilityType: CapabilityType.ACCESS, constraints: ["of_another"] }
    const chain = await world.establish("agent", { capabilities: [ANY, other] })
    expect(await check({})).to.include({ authorized: true })
    const [copied] = chain.constraintEnvelope?.activeConstraints ?? []
    const source = copied?.source ?? ""
    for (const valueJson of ['"of_policy"', '"of_another"']) {
      const constraint = { id: "con-x", constraintType: ConstraintType.OPERATIONAL, valueJson, source }
      chain.constraintEnvelope?.activeConstraints.push(create(ConstraintSchema, constraint))
      chain.chainStateSignature = await signText(signerOf("org-a"), chainStatePayload(chain))
      const { unenforcedConstraints } = await check({})
      expect(unenforcedConstraints.map(({ constraint }) => constraint)).to.deep.equal([JSON.parse(valueJson)])
      chain.constraintEnvelope?.activeConstraints.pop()
    }
  })

  it("count by whom they are found: each class of our rules is in docs/stricter.md", () => {
    const text = readFileSync(join(import.meta.dirname, "..", "..", "docs", "stricter.md"), "utf8")
    const rules = text.slice(text.indexOf("## Rules"), text.indexOf("## Records"))
    const classes = Array.from(rules.matchAll(/^\| `([^`]+)` \|/gm), ([, name]) => name)
    expect([...classes].sort()).to.deep.equal([...RULE_NAMES].sort())
  })
})
