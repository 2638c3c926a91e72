import { checkShape } from "@trust-registry/eatp"
import { type AuthorityType, ConstraintDimension } from "@trust-registry/proto"
import { expect } from "chai"
import {
  CONSTRAINT,
  capability,
  chainWithGenesis,
  constraint,
  delegation,
  envelope,
  genesis,
  HASH,
  type Init,
  META,
  many,
  metadata,
  POLICY,
  policy,
  reasoning,
  signers,
  soundAnchor,
  soundCapability,
  soundDelegation,
  TRACE,
  V3,
} from "../support/shapedChain.js"

describe("eatp: chain shape violations", () => {
  const wrong: [what: string, change: Partial<Init>, field: string, text?: string][] = [
    ["no agent id", { genesis: { ...genesis, agentId: "" } }, "chain.genesis.agent_id", "512"],
    ["an id of 513 bytes", { genesis: { ...genesis, id: "i".repeat(513) } }, "chain.genesis.id", "512"],
    [
      "an id of 171 characters of 3 bytes",
      { genesis: { ...genesis, id: "漢".repeat(171) } },
      "chain.genesis.id",
      "513",
    ],
    ["no authority id", { genesis: { ...genesis, authorityId: "" } }, "chain.genesis.authority_id"],
    [
      "no authority type",
      { genesis: { ...genesis, authorityType: 0 } },
      "chain.genesis.authority_type",
      "human",
    ],
    [
      "an unknown enum number",
      { genesis: { ...genesis, authorityType: 99 as AuthorityType } },
      "chain.genesis.authority_type",
    ],
    ["no time", { genesis: { ...genesis, createdAt: "" } }, "chain.genesis.created_at", "time"],
    ["an invalid time", { genesis: { ...genesis, createdAt: "2026-02-30" } }, "chain.genesis.created_at"],
    [
      "a naive expiry",
      { genesis: { ...genesis, expiresAt: "2036-01-01T00:00:00" } },
      "chain.genesis.expires_at",
      "offset",
    ],
    ["U+0000", { genesis: { ...genesis, signature: "a\0b" } }, "chain.genesis.signature", "U+0000"],
    ["a lone surrogate", { genesis: { ...genesis, id: "\ud800" } }, "chain.genesis.id", "surrogate"],
    [
      "a surrogate in a time",
      { genesis: { ...genesis, createdAt: "2026-01-01\ud80000:00" } },
      "chain.genesis.created_at",
    ],
    ["metadata that is a list", metadata("[]"), META, "object or null"],
    ["metadata that is not JSON", metadata("{'a':1}"), META, "line 1 column 2"],
    ["metadata that is empty", metadata(""), META],
    ["a repeated key", metadata('{"a":1,"a":1}'), META, 'Repeated key "a"'],
    ["an escaped U+0000 in a value", metadata('{"a":"x\\u0000"}'), META, "U+0000"],
    ["an escaped U+0000 in a key", metadata('{"a":[{"\\u0000":1}]}'), META, "U+0000"],
    ["an escaped lone surrogate", metadata('{"a":["\\uD800"]}'), META, "surrogate"],
    ["a lone surrogate in JSON text", metadata('{"a":"\ud800"}'), META, "surrogate"],
    ["65 levels of nesting", metadata(`{"a":${"[".repeat(64)}${"]".repeat(64)}}`), META, "64"],
    ["a number beyond a double", metadata('{"a":1e400}'), META, "double"],
    ["an integer beyond Python's limit", metadata(`{"a":${"1".repeat(4301)}}`), META, "4300 digits"],
    ["a scope that is text", capability({ scopeJson: '"x"' }), "chain.capabilities[0].scope_json"],
    ["no capability type", capability({ capabilityType: 0 }), "chain.capabilities[0].capability_type"],
    [
      "a naive expiry of a capability",
      capability({ expiresAt: "2036-01-01" }),
      "chain.capabilities[0].expires_at",
    ],
    ["U+0000 in a list", capability({ constraints: ["a", "\0"] }), "chain.capabilities[0].constraints[1]"],
    [
      "a repeated capability id",
      { capabilities: [soundCapability, soundCapability] },
      "chain.capabilities[1].id",
      "capabilities[0]",
    ],
    [
      "a repeated delegation id",
      { delegations: [soundDelegation, soundDelegation] },
      "chain.delegations[1].id",
    ],
    ["a repeated anchor id", { auditAnchors: [soundAnchor, soundAnchor] }, "chain.audit_anchors[1].id"],
    ["1,001 capabilities", { capabilities: many(1001, soundCapability) }, "chain.capabilities", "1000"],
    ["1,001 delegations", { delegations: many(1001, soundDelegation) }, "chain.delegations", "1000"],
    ["2,001 anchors", { auditAnchors: many(2001, soundAnchor) }, "chain.audit_anchors", "2000"],
    [
      "another agent's envelope",
      envelope({ agentId: "b" }),
      "chain.constraint_envelope.agent_id",
      "genesis.agent_id",
    ],
    [
      "another agent's anchor",
      { auditAnchors: [{ ...soundAnchor, agentId: "b" }] },
      "chain.audit_anchors[0].agent_id",
    ],
    ["a delegation to another agent", delegation({ delegateeId: "b" }), "chain.delegations[0].delegatee_id"],
    ["an empty parent", delegation({ parentDelegationId: "" }), "chain.delegations[0].parent_delegation_id"],
    [
      "an empty id in the path",
      delegation({ delegationChain: ["a", ""] }),
      "chain.delegations[0].delegation_chain[1]",
    ],
    [
      "a naive time of an engine delegation",
      delegation({ signingPayloadVersion: "v2-complete", delegatedAt: "2026-01-01" }),
      "chain.delegations[0].delegated_at",
    ],
    [
      "an unknown dimension",
      delegation({ dimensionScope: [ConstraintDimension.FINANCIAL, 9] }),
      "chain.delegations[0].dimension_scope[1]",
    ],
    [
      "a repeated dimension",
      delegation({ dimensionScope: [1, 2, 1] }),
      "chain.delegations[0].dimension_scope",
    ],
    ["several signers without a policy", delegation({ ...V3, multiSig: true }), `${POLICY}`],
    [
      "a policy without several signers",
      delegation({ ...V3, multiSigPolicy: policy(1) }),
      "chain.delegations[0].multi_sig",
    ],
    [
      "several signers in an older version",
      delegation({ ...V3, multiSig: true, multiSigPolicy: policy(1), signingPayloadVersion: "v2-complete" }),
      "chain.delegations[0].signing_payload_version",
      "v3-complete",
    ],
    ["a threshold of 0", signers(policy(0)), `${POLICY}.threshold`, "2"],
    ["a threshold above the number of signers", signers(policy(3)), `${POLICY}.threshold`, "2"],
    ["no signers", signers({ threshold: 1n, authorizedSigners: [] }), `${POLICY}.authorized_signers`],
    [
      "a short key",
      signers({ threshold: 1n, authorizedSigners: ["ab"] }),
      `${POLICY}.authorized_signers[0]`,
      "64",
    ],
    [
      "a repeated signer",
      signers({ threshold: 1n, authorizedSigners: ["AB".repeat(32), "ab".repeat(32)] }),
      `${POLICY}.authorized_signers[1]`,
    ],
    [
      "a decision of 10,001 characters",
      reasoning({ decision: "𝄞".repeat(10_001) }),
      `${TRACE}.decision`,
      "10000",
    ],
    ["a rationale of 50,001 characters", reasoning({ rationale: "r".repeat(50_001) }), `${TRACE}.rationale`],
    [
      "a methodology of 1,001 characters",
      reasoning({ methodology: "m".repeat(1_001) }),
      `${TRACE}.methodology`,
    ],
    [
      "101 alternatives",
      reasoning({ alternativesConsidered: Array(101).fill("a") }),
      `${TRACE}.alternatives_considered`,
    ],
    [
      "an alternative of 5,001 characters",
      reasoning({ alternativesConsidered: ["a".repeat(5_001)] }),
      `${TRACE}.alternatives_considered[0]`,
    ],
    ["no confidentiality", reasoning({ confidentiality: 0 }), `${TRACE}.confidentiality`],
    ["evidence that is an object", reasoning({ evidenceJson: "{}" }), `${TRACE}.evidence_json`],
    ["evidence that is text", reasoning({ evidenceJson: '[{},"x"]' }), `${TRACE}.evidence_json`],
    [
      "101 pieces of evidence",
      reasoning({ evidenceJson: `[${Array(101).fill("{}")}]` }),
      `${TRACE}.evidence_json`,
      "100",
    ],
    ["confidence over 1", reasoning({ confidenceJson: "1.0000001" }), `${TRACE}.confidence_json`],
    ["confidence as text", reasoning({ confidenceJson: '"0.5"' }), `${TRACE}.confidence_json`],
    [
      "a naive end of the envelope",
      envelope({ validUntil: "2036-01-01" }),
      "chain.constraint_envelope.valid_until",
    ],
    ["a hash that is not the constraints'", envelope({ constraintHash: "00".repeat(32) }), HASH, "empty"],
    ["a constraint without a value", constraint({ valueJson: "" }), `${CONSTRAINT}.value_json`],
    ["a constraint without a type", constraint({ constraintType: 0 }), `${CONSTRAINT}.constraint_type`],
    [
      "context that is a number",
      { auditAnchors: [{ ...soundAnchor, contextJson: "1" }] },
      "chain.audit_anchors[0].context_json",
    ],
    ["no result", { auditAnchors: [{ ...soundAnchor, result: 0 }] }, "chain.audit_anchors[0].result"],
  ]

  for (const [what, change, field, text] of wrong) {
    it(`name ${field} for ${what}`, () => {
      const violations = checkShape(chainWithGenesis(change))
      expect(violations.map((violation) => violation.field)).to.deep.equal([field])
      if (text !== undefined) expect(violations[0]?.description).to.contain(text)
    })
  }
})
