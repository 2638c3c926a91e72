import type { JsonObject } from "@trust-registry/eatp"
import { JsonNumber } from "@trust-registry/eatp"
import * as make from "./documents.js"

const FREE_FORM =
  '{"10":1.0,"2":1e+16,"b":{"__proto__":-0.0,"a":1e-07},"a":[null,true,123456789012345678901234567890],"é":"\\u00e9\\/𝄞","":[]}'

/** The chains of the project's own vectors by what they show; all of them may be stored, each agent is there once. */
export function ownChains(): Map<string, JsonObject> {
  return new Map([
    ["minimal", make.chain("vec-minimal", { genesis: make.genesis("vec-minimal", { expires_at: null }) })],
    ["free-form values", freeForm("vec-free-form")],
    ["null metadata, null and empty scope", nulls("vec-nulls")],
    ["ids beyond ASCII", beyondAscii("vec-漢字-𝄞")],
    ["naive and odd offsets", times("vec-times")],
    ["constraints of every kind of value", constraints("vec-constraints")],
    ["legacy delegations", legacyDelegations("vec-legacy")],
    ["engine delegations", engineDelegations("vec-engine")],
    ["reasoning traces", reasoned("vec-reasoning")],
    ["audit anchors", audited("vec-audited")],
    ["no envelope hash", make.chain("vec-no-hash", { constraint_envelope: hashless("vec-no-hash") })],
  ])
}

function freeForm(agent: string): JsonObject {
  const metadata = make.raw(FREE_FORM)
  return make.chain(agent, {
    genesis: make.genesis(agent, { metadata }),
    capabilities: [make.capability("cap-free", { scope: make.raw('{"max":1.50,"tables":["b","a"],"9":0}') })],
    chain_state_signature: make.signatureOf(agent),
  })
}

function nulls(agent: string): JsonObject {
  return make.chain(agent, {
    genesis: make.genesis(agent, { metadata: null }),
    capabilities: [
      make.capability("cap-null"),
      make.capability("cap-empty", { scope: make.object({}), capability_type: "delegation" }),
      make.capability("cap-legacy", { signing_payload_version: "legacy-python-v0", constraints: ["b", "a"] }),
    ],
  })
}

function beyondAscii(agent: string): JsonObject {
  const ids = ["cap-\u{1d11e}", "cap-\ue000", "cap-é", "cap-z"]
  return make.chain(agent, {
    genesis: make.genesis(agent, { authority_type: "human", authority_id: "ana@例え.jp" }),
    capabilities: ids.map((id) =>
      make.capability(id, { capability: "чтение", constraints: ["né", "ne\u0301"] }),
    ),
  })
}

function times(agent: string): JsonObject {
  return make.chain(agent, {
    genesis: make.genesis(agent, {
      created_at: "2026-03-01T08:00:00",
      expires_at: "2036-02-29T23:59:59.999999-11:30",
      authority_type: "system",
    }),
    capabilities: [
      make.capability("cap-seconds", { attested_at: "2026-03-01T08:00:00+05:30:15" }),
      make.capability("cap-end", { expires_at: "2035-01-01T00:00:00.000001+00:00" }),
    ],
    constraint_envelope: make.envelope(agent, [], { valid_until: "2036-01-01T00:00:00+14:00" }),
  })
}

function constraints(agent: string): JsonObject {
  const values = [
    "read_only",
    'it\'s "so"\n',
    FREE_FORM,
    "1e22",
    "true",
    "null",
    "[]",
    '{"b":1,"a":[1,"x"]}',
    "-0",
  ]
  const types = ["financial", "operational", "temporal", "data_access", "communication", "audit_requirement"]
  const all = values.map((value, index) =>
    make.constraint(
      `con-${(index * 7) % 10}`,
      types[index % types.length] as string,
      index < 2 ? value : make.raw(value),
      index,
    ),
  )
  return make.chain(agent, { constraint_envelope: make.envelope(agent, all) })
}

function legacyDelegations(agent: string): JsonObject {
  return make.chain(agent, {
    delegations: [
      make.delegation("del-root", agent, { human_origin: make.human(), delegation_chain: ["ana", agent] }),
      make.delegation("del-narrow", agent, {
        dimension_scope: ["financial", "temporal"],
        parent_delegation_id: "del-root",
        delegation_depth: new JsonNumber("1"),
        constraint_subset: ["z", "a", "é"],
        expires_at: "2035-06-01T00:00:00+00:00",
      }),
    ],
  })
}

function engineDelegations(agent: string): JsonObject {
  const cents = new JsonNumber("0")
  const many = { multi_sig: true, multi_sig_policy: make.policy(2, ["zoe", "ana", "bob"]) }
  return make.chain(agent, {
    delegations: [
      make.delegation("del-v2-any", agent, {
        ...make.engineFields(null, null),
        signing_payload_version: "v2-complete",
      }),
      make.delegation("del-v2-none", agent, {
        ...make.engineFields([], cents),
        signing_payload_version: "v2-complete",
      }),
      make.delegation("del-v3", agent, {
        ...make.engineFields(["search", "calc"], new JsonNumber("9223372036854775807")),
        ...many,
        signing_payload_version: "v3-complete",
      }),
    ],
  })
}

function reasoned(agent: string): JsonObject {
  const texts = ["0", "0.0", "1", "1.0", "0.25"]
  const traced = texts.map((text) =>
    make.delegation(`del-${text}`, agent, {
      reasoning_trace: make.reasoning(new JsonNumber(text), { methodology: "risk_assessment" }),
      reasoning_trace_hash: "ab".repeat(32),
      reasoning_signature: make.signatureOf(text),
    }),
  )
  const bare = make.delegation("del-bare", agent, {
    reasoning_trace: make.reasoning(null, {
      evidence: [],
      alternatives_considered: [],
      confidentiality: "top_secret",
    }),
  })
  return make.chain(agent, { delegations: [...traced, bare] })
}

function audited(agent: string): JsonObject {
  return make.chain(agent, {
    capabilities: [make.capability("cap-audited", { capability_type: "action" })],
    audit_anchors: [
      make.anchor("anc-1", agent, { context: make.raw(FREE_FORM), resource: "ledger/1" }),
      make.anchor("anc-2", agent, { context: null, result: "denied", parent_anchor_id: "anc-1" }),
      make.anchor("anc-3", agent, {
        result: "partial",
        human_origin: make.human(),
        reasoning_trace: make.reasoning(new JsonNumber("1e-3")),
      }),
    ],
  })
}

function hashless(agent: string): JsonObject {
  const values = [make.constraint("b", "reasoning_required", true), make.constraint("a", "financial", "b")]
  return make.envelope(agent, values, { constraint_hash: "" })
}
