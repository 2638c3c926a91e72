import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt"
import { numberOf, parseInstant, wordsOf } from "@trust-registry/eatp"
import { type CapabilityType, CapabilityTypeSchema, type ChainFilterSchema } from "@trust-registry/proto"
import type { Flag, Values } from "../command.js"
import { UsageError } from "../usage.js"

/** Flags that select chains; all conditions must match. */
export const FILTER_FLAGS = {
  all: { type: "boolean", help: "include deleted, suspended, revoked and expired chains" },
  authority: { type: "string", value: "ID", help: "chains of this authority" },
  prefix: { type: "string", value: "TEXT", help: "chains whose agent id starts with TEXT" },
  capability: { type: "string", value: "NAME", help: "chains with a capability of this name" },
  "capability-type": {
    type: "string",
    value: "TYPE",
    help: `chains with a capability of this type: ${wordsOf(CapabilityTypeSchema).join(", ")}`,
  },
  delegator: { type: "string", value: "ID", help: "chains with a delegation from this delegator" },
  metadata: { type: "string", value: "JSON", help: "chains whose genesis metadata contain this object" },
  "expires-before": { type: "string", value: "TIME", help: "chains that expire before this time (ISO 8601)" },
} as const satisfies Record<string, Flag>

/** Returns the filter that the flags describe. */
export function filterOf(values: Values<typeof FILTER_FLAGS>): MessageInitShape<typeof ChainFilterSchema> {
  const expiresBefore = momentOf(values, "expires-before")
  return {
    authorityId: values.authority ?? "",
    includeInactive: values.all === true,
    agentIdPrefix: values.prefix ?? "",
    capability: values.capability ?? "",
    capabilityType: capabilityType(values["capability-type"]),
    delegatorId: values.delegator ?? "",
    metadataContainsJson: values.metadata ?? "",
    ...(expiresBefore ? { expiresBefore } : {}),
  }
}

function capabilityType(word: string | undefined): CapabilityType {
  if (word === undefined) return 0
  const number = numberOf(CapabilityTypeSchema, word.toLowerCase())
  if (number === undefined) {
    throw new UsageError(`--capability-type must be one of ${wordsOf(CapabilityTypeSchema).join(", ")}`)
  }
  return number as CapabilityType
}

/** The moment that a flag gives, to the microsecond. */
export function momentOf<Name extends string>(
  values: { [K in Name]?: string },
  name: Name,
): Timestamp | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  // parse() has refused any other text.
  return create(TimestampSchema, parseInstant(text))
}
