import { create } from "@bufbuild/protobuf"
import {
  type Constraint,
  type ConstraintEnvelope,
  ConstraintEnvelopeSchema,
  ConstraintSchema,
  ConstraintType,
  type TrustLineageChain,
} from "@trust-registry/proto"
import { constraintHash } from "../hash/chainHash.js"
import { type Json, JsonObject } from "../json/json.js"
import { jsonText } from "../json/jsonText.js"
import { parseJson } from "../json/parseJson.js"
import { type Maker, nowText } from "./maker.js"

/**
 * Derives the envelope of a chain from its records (EATP ESTABLISH): the constraints of the genesis record's metadata,
 * of each capability and of each delegation. Keeps constraints of other sources, such as reasoning_required.
 */
export function envelopeOf(chain: TrustLineageChain, maker: Maker): ConstraintEnvelope {
  const kept = (chain.constraintEnvelope?.activeConstraints ?? []).filter(({ source }) => !isDerived(source))
  const activeConstraints = [...derived(chain, maker), ...kept]
  return create(ConstraintEnvelopeSchema, {
    id: chain.constraintEnvelope?.id ?? maker.newId("env"),
    agentId: chain.genesis?.agentId ?? "",
    activeConstraints,
    computedAt: nowText(maker),
    validUntil: chain.genesis?.expiresAt,
    constraintHash: constraintHash(activeConstraints),
  })
}

function isDerived(source: string): boolean {
  return source === "genesis" || /^(capability|delegation):/.test(source)
}

function derived({ genesis, capabilities, delegations }: TrustLineageChain, maker: Maker): Constraint[] {
  const make = (constraintType: ConstraintType, value: Json, source: string) =>
    create(ConstraintSchema, { id: maker.newId("con"), constraintType, valueJson: jsonText(value), source })
  return [
    ...metadataConstraints(genesis?.metadataJson).map((value) =>
      make(ConstraintType.FINANCIAL, value, "genesis"),
    ),
    ...capabilities.flatMap(({ id, constraints }) =>
      constraints.map((value) => make(ConstraintType.OPERATIONAL, value, `capability:${id}`)),
    ),
    ...delegations.flatMap(({ id, constraintSubset }) =>
      constraintSubset.map((value) => make(ConstraintType.DATA_ACCESS, value, `delegation:${id}`)),
    ),
  ]
}

function metadataConstraints(metadataJson: string | undefined): Json[] {
  const metadata = metadataJson === undefined ? null : parseJson(metadataJson)
  const constraints = metadata instanceof JsonObject ? metadata.get("constraints") : undefined
  return Array.isArray(constraints) ? constraints : []
}
