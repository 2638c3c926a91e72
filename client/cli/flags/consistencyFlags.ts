import type { Flag, Values } from "../command.js"
import { UsageError } from "../usage.js"

/** Flags for how current a read must be. */
export const CONSISTENCY_FLAGS = {
  "min-revision": {
    type: "string",
    value: "N",
    help: "read at revision N or later, for example that of a write",
  },
  strong: { type: "boolean", help: "read from the database now, not from the registry's memory" },
  "at-revision": {
    type: "string",
    value: "N",
    help: "read the state right after revision N; expiry is judged at that time",
  },
} as const satisfies Record<string, Flag>

type Requirement = { case: "minRevision" | "atRevision"; value: bigint } | { case: "strong"; value: true }

/** Returns the consistency that the flags require, as part of a request. */
export function consistencyOf(values: Values<typeof CONSISTENCY_FLAGS>): {
  consistency?: { requirement: Requirement }
} {
  const { strong, "min-revision": least, "at-revision": then } = values
  const asked: Requirement[] = []
  if (strong) asked.push({ case: "strong", value: true })
  if (least !== undefined) asked.push({ case: "minRevision", value: revisionOf("--min-revision", least) })
  if (then !== undefined) asked.push({ case: "atRevision", value: revisionOf("--at-revision", then) })
  if (asked.length > 1) throw new UsageError("--strong, --min-revision and --at-revision cannot be combined")
  return asked[0] ? { consistency: { requirement: asked[0] } } : {}
}

function revisionOf(flag: string, text: string): bigint {
  if (!/^[1-9]\d{0,17}$/.test(text)) throw new UsageError(`${flag} must be a whole number of 1 or more`)
  return BigInt(text)
}
