import type { Flag, Values } from "../command.js"
import { UsageError } from "../usage.js"
import { REVISION } from "./bounds.js"
import { revisionOf } from "./flags.js"

/** Flags for how current a read must be. */
export const CONSISTENCY_FLAGS = {
  "min-revision": {
    type: "string",
    value: "N",
    bounds: REVISION,
    help: "read at revision N or later, for example that of a write",
  },
  strong: { type: "boolean", help: "read from the database now, not from the registry's memory" },
  "at-revision": {
    type: "string",
    value: "N",
    bounds: REVISION,
    help: "read the state right after revision N; expiry is judged at that time",
  },
} as const satisfies Record<string, Flag>

type Requirement = { case: "minRevision" | "atRevision"; value: bigint } | { case: "strong"; value: true }

/** Returns the consistency that the flags require, as part of a request. */
export function consistencyOf(values: Values<typeof CONSISTENCY_FLAGS>): {
  consistency?: { requirement: Requirement }
} {
  const least = revisionOf(values, "min-revision")
  const then = revisionOf(values, "at-revision")
  const asked: Requirement[] = []
  if (values.strong) asked.push({ case: "strong", value: true })
  if (least !== undefined) asked.push({ case: "minRevision", value: least })
  if (then !== undefined) asked.push({ case: "atRevision", value: then })
  if (asked.length > 1) throw new UsageError("--strong, --min-revision and --at-revision cannot be combined")
  return asked[0] ? { consistency: { requirement: asked[0] } } : {}
}
