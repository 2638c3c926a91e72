import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt"
import { numberOf, parseInstant, wordsOf } from "@trust-registry/eatp"
import { type CapabilityType, CapabilityTypeSchema, type ChainFilterSchema } from "@trust-registry/proto"
import type { Flag, Values } from "../command.js"
import { UsageError } from "../usage.js"

/** Flags that say which chains; all that are given must hold. */
export const FILTER_FLAGS = {
  all: { type: "boolean", help: "deleted, suspended, revoked and expired chains too (default: active ones)" },
  authority: { type: "string", value: "ID", help: "of this authority" },
  prefix: { type: "string", value: "TEXT", help: "whose agent id begins so" },
  capability: { type: "string", value: "NAME", help: "with a capability of this name" },
  "capability-type": {
    type: "string",
    value: "TYPE",
    help: `with a capability of this type: ${wordsOf(CapabilityTypeSchema).join(", ")}`,
  },
  delegator: { type: "string", value: "ID", help: "with a delegation from this delegator" },
  metadata: { type: "string", value: "JSON", help: "whose genesis metadata contains this object" },
  "expires-before": { type: "string", value: "TIME", help: "that expire before this moment (ISO 8601)" },
} as const satisfies Record<string, Flag>

/** The filter that the flags say. */
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
