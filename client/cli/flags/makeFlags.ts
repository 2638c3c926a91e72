import type { DescEnum } from "@bufbuild/protobuf"
import {
  type CapabilityGrant,
  JsonObject,
  JsonSyntaxError,
  numberOf,
  parseJson,
  wordsOf,
} from "@trust-registry/eatp"
import { type CapabilityType, CapabilityTypeSchema } from "@trust-registry/proto"
import type { Flag, Values } from "../command.js"
import { UsageError } from "../usage.js"

/** Flag of every command that signs. */
export const KEY_FLAG = {
  key: {
    type: "string",
    value: "FILE",
    required: true,
    help: "the key file of the signing authority (see keygen)",
  },
} as const satisfies Record<string, Flag>

/** Flags of the commands that attest capabilities. */
export const CAPABILITY_FLAGS = {
  capability: {
    type: "string",
    multiple: true,
    value: "NAME:TYPE",
    help: `a capability; its type is one of ${wordsOf(CapabilityTypeSchema).join(", ")}`,
  },
  scope: { type: "string", value: "JSON", help: "a JSON object that narrows each of these capabilities" },
} as const satisfies Record<string, Flag>

/** Flags of every command that grants capabilities. */
export const BOUND_FLAGS = {
  constraint: { type: "string", multiple: true, value: "TEXT", help: "a constraint on what is granted" },
  "expires-at": {
    type: "string",
    value: "TIME",
    help: "when it expires (ISO 8601 with an offset; default: never)",
  },
} as const satisfies Record<string, Flag>

/** Returns the capabilities that the flags grant. */
export function grantsOf(values: Values<typeof CAPABILITY_FLAGS & typeof BOUND_FLAGS>): CapabilityGrant[] {
  const shared = {
    constraints: values.constraint,
    scopeJson: jsonObjectOf(values, "scope"),
    expiresAt: expiryOf(values),
  }
  return (values.capability ?? []).map((text) => ({ ...grantOf(text), ...shared }))
}

/** Returns --expires-at as written: it will be signed. */
export function expiryOf(values: { "expires-at"?: string }): string | undefined {
  return values["expires-at"]
}

/** Returns the JSON object of a flag as written: it may be signed. */
export function jsonObjectOf<Name extends string>(
  values: { [K in Name]?: string },
  name: Name,
): string | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  try {
    if (parseJson(text) instanceof JsonObject) return text
  } catch (cause) {
    if (!(cause instanceof JsonSyntaxError)) throw cause
    throw new UsageError(`--${name} must be a JSON object: ${cause.message}`, { cause })
  }
  throw new UsageError(`--${name} must be a JSON object`)
}

/** Returns the enum number of a flag's word. */
export function wordFlag(desc: DescEnum, name: string, word: string): number {
  const number = numberOf(desc, word)
  if (number === undefined) throw new UsageError(`--${name} must be one of ${wordsOf(desc).join(", ")}`)
  return number
}

// A name may contain colons.
function grantOf(text: string): CapabilityGrant {
  const at = text.lastIndexOf(":")
  const capabilityType = numberOf(CapabilityTypeSchema, text.slice(at + 1))
  if (at < 1 || capabilityType === undefined) {
    const types = wordsOf(CapabilityTypeSchema).join(", ")
    throw new UsageError(`--capability ${text}: must be NAME:TYPE, with a type of ${types}`)
  }
  return { capability: text.slice(0, at), capabilityType: capabilityType as CapabilityType }
}
