import { type Json, JsonNumber, type JsonObject, jsonText, parseJson } from "@trust-registry/eatp"
import * as make from "./documents.js"

type Path = (string | number)[]

/** A copy of a document with one place changed; a value that is undefined takes the place away. */
function changed(document: JsonObject, path: Path, value: Json | undefined): JsonObject {
  const copy = parseJson(jsonText(document)) as JsonObject
  let parent: Json = copy
  for (const step of path.slice(0, -1)) parent = child(parent, step)
  const last = path.at(-1) as string | number
  if (Array.isArray(parent)) parent.splice(last as number, 1, ...(value === undefined ? [] : [value]))
  else if (value === undefined) (parent as JsonObject).delete(last as string)
  else (parent as JsonObject).set(last as string, value)
  return copy
}

function child(parent: Json, step: string | number): Json {
  const found = Array.isArray(parent) ? parent[step as number] : (parent as JsonObject).get(step as string)
  if (found === undefined) throw new Error(`No ${step} to change`)
  return found
}

const agent = "vec-changed"

/** A chain with something of every kind. */
function base(): JsonObject {
  const engine = make.engineFields(["search"], new JsonNumber("5"))
  return make.chain(agent, {
    genesis: make.genesis(agent, { metadata: make.raw('{"b":1,"a":1.0}') }),
    capabilities: [make.capability("cap-1", { constraints: ["a"] }), make.capability("cap-2")],
    delegations: [
      make.delegation("del-1", agent, {
        ...engine,
        multi_sig: true,
        multi_sig_policy: make.policy(2, ["ana", "bob", "zoe"]),
        signing_payload_version: "v3-complete",
        reasoning_trace: make.reasoning(new JsonNumber("0.5")),
      }),
      make.delegation("del-2", agent, { dimension_scope: ["financial"] }),
    ],
    constraint_envelope: make.envelope(agent, [
      make.constraint("con-1", "financial", make.raw('{"max":10}')),
      make.constraint("con-2", "temporal", "office_hours", 2),
    ]),
    audit_anchors: [make.anchor("anc-1", agent)],
    chain_state_signature: make.signatureOf(agent),
  })
}

/** Pairs of a chain and the same chain with one change. */
export function changedChains(): { name: string; base: JsonObject; mutated: JsonObject }[] {
  const changes: [name: string, path: Path, value: Json | undefined][] = [
    ["capability removed", ["capabilities", 1], undefined],
    ["capability renamed, same id", ["capabilities", 0, "capability"], "write_data"],
    ["capability's signature", ["capabilities", 0, "signature"], make.signatureOf("forged")],
    ["delegation's id", ["delegations", 0, "id"], "del-9"],
    ["delegation's task", ["delegations", 0, "task_id"], "another"],
    ["genesis id", ["genesis", "id"], "gen-9"],
    ["genesis expiry removed", ["genesis", "expires_at"], null],
    ["integer for the same float in metadata", ["genesis", "metadata", "a"], new JsonNumber("1")],
    ["metadata in another order", ["genesis", "metadata"], make.raw('{"a":1.0,"b":1}')],
    ["constraint's value, stale hash", ["constraint_envelope", "active_constraints", 0, "value"], "x"],
    [
      "constraint's priority",
      ["constraint_envelope", "active_constraints", 1, "priority"],
      new JsonNumber("3"),
    ],
    ["constraints taken away, stale hash", ["constraint_envelope", "active_constraints"], []],
    ["stored constraint hash", ["constraint_envelope", "constraint_hash"], "00".repeat(32)],
    ["end of the envelope", ["constraint_envelope", "valid_until"], "2030-01-01T00:00:00+00:00"],
    ["audit anchor removed", ["audit_anchors", 0], undefined],
    ["audit anchor's action", ["audit_anchors", 0, "action"], "write_data"],
    ["chain-state signature removed", ["chain_state_signature"], null],
    ["envelope removed", ["constraint_envelope"], null],
  ]
  return changes.map(([name, path, value]) => ({ name, base: base(), mutated: changed(base(), path, value) }))
}

/** A chain with one record of each kind that from_dict reads, without signatures. */
function smallBase(): JsonObject {
  const small = base()
  small.set("audit_anchors", []).set("chain_state_signature", "signed")
  for (const key of ["capabilities", "delegations"]) (small.get(key) as Json[]).pop()
  for (const record of [
    small.get("genesis"),
    child(small, "capabilities"),
    child(small, "delegations"),
  ].flat()) {
    ;(record as JsonObject).delete("signature")
  }
  return small
}

/** Documents for from_dict: a sound one with one place changed, so that some are refused. */
export function brokenDocuments(): { name: string; input_json: string }[] {
  const changes: [path: Path, ...values: (Json | undefined)[]][] = [
    [["genesis"], undefined, null, [], "text"],
    [["genesis", "id"], undefined, "", null, new JsonNumber("7")],
    [["genesis", "agent_id"], undefined, new JsonNumber("1.50"), true],
    [["genesis", "authority_type"], undefined, "HUMAN", "robot", null, []],
    [["genesis", "created_at"], undefined, "2026-03-01T08:00:00Z", "soon", null, new JsonNumber("0")],
    [["genesis", "expires_at"], undefined, "", false, new JsonNumber("0"), "2036", true, []],
    [["genesis", "metadata"], undefined, null, [], make.raw('{"n":1E2,"10":0,"2":-0}')],
    [["genesis", "signature_algorithm"], undefined, null, "None"],
    [["genesis", "unknown"], "ignored"],
    [["capabilities"], undefined, null, [], make.object({}), "x", "", new JsonNumber("0")],
    [["capabilities", 0], null, "x", []],
    [["capabilities", 0, "constraints"], undefined, null, "text"],
    [["capabilities", 0, "capability_type"], undefined, "admin"],
    [["capabilities", 0, "signing_payload_version"], undefined, null, "v9", "legacy-python-v0"],
    [["capabilities", 0, "id"], new JsonNumber("3"), null],
    [["capabilities", 0, "expires_at"], "2030-01-01", "2030-13-01"],
    [["delegations", 0, "constraint_subset"], undefined, null],
    [
      ["delegations", 0, "dimension_scope"],
      undefined,
      null,
      [],
      "financial",
      ["financial", "financial"],
      ["spatial"],
    ],
    [["delegations", 0, "multi_sig"], undefined, false, new JsonNumber("1"), "yes"],
    [
      ["delegations", 0, "multi_sig_policy"],
      undefined,
      null,
      [],
      make.policy(1, []),
      make.policy(1, ["a", "a"]),
    ],
    [
      ["delegations", 0, "multi_sig_policy", "threshold"],
      undefined,
      new JsonNumber("0"),
      new JsonNumber("4"),
      true,
    ],
    [
      ["delegations", 0, "multi_sig_policy", "authorized_signers"],
      ["AB ".repeat(32), "cd".repeat(32)],
      ["ab"],
      "ab",
    ],
    [["delegations", 0, "signing_payload_version"], undefined, "v2-complete", null],
    [["delegations", 0, "constraints"], null, [], make.object({})],
    [["delegations", 0, "constraints", "allowed_tools"], undefined, null, [], "ab", new JsonNumber("1")],
    [["delegations", 0, "resource_limits", "max_llm_calls"], undefined, "many"],
    [["delegations", 0, "scope", "operations"], undefined, null, [], "rw", make.object({ r: null })],
    [["delegations", 0, "scope", "max_financial_cents"], undefined, null],
    [["delegations", 0, "reasoning_trace"], undefined, null, make.object({}), [], "x"],
    [["delegations", 0, "reasoning_trace", "decision"], undefined, "d".repeat(10_001), null, []],
    [["delegations", 0, "reasoning_trace", "methodology"], "m".repeat(1_001), "m".repeat(1_000)],
    [
      ["delegations", 0, "reasoning_trace", "alternatives_considered"],
      null,
      Array(101).fill("a"),
      ["a".repeat(5_001)],
    ],
    [
      ["delegations", 0, "reasoning_trace", "confidence"],
      null,
      true,
      "0.5",
      new JsonNumber("1.0000001"),
      new JsonNumber("-0.0"),
    ],
    [["delegations", 0, "reasoning_trace", "confidentiality"], undefined, "ultra"],
    [["delegations", 0, "reasoning_trace_hash"], "", "ab"],
    [["constraint_envelope"], undefined, null, make.object({}), false, "x"],
    [["constraint_envelope", "id"], undefined],
    [["constraint_envelope", "agent_id"], "another"],
    [["constraint_envelope", "constraint_hash"], undefined, "", null, "stale"],
    [["constraint_envelope", "active_constraints"], undefined, [], null],
    [["constraint_envelope", "active_constraints", 0, "constraint_type"], "spatial"],
    [["constraint_envelope", "active_constraints", 0, "priority"], undefined, null],
    [["constraint_envelope", "active_constraints", 0, "value"], undefined, null],
    [["audit_anchors"], undefined, "never read"],
    [["chain_hash"], "never compared"],
    [["chain_state_signature"], undefined, null],
  ]
  return [
    { name: "sound", input_json: jsonText(smallBase()) },
    ...changes.flatMap(([path, ...values]) => values.map((value) => brokenDocument(path, value))),
  ]
}

function brokenDocument(path: Path, value: Json | undefined): { name: string; input_json: string } {
  const now = value === undefined ? "missing" : jsonText(value)
  const shown = now.length > 60 ? `${now.slice(0, 60)}…` : now
  return { name: `${path.join(".")}: ${shown}`, input_json: jsonText(changed(smallBase(), path, value)) }
}
