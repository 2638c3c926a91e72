import type { Flag, Values } from "../command.js"
import { UsageError } from "../usage.js"

/** Flags of the commands that read, for how current the read must be. */
export const CONSISTENCY_FLAGS = {
  "min-revision": {
    type: "string",
    value: "N",
    help: "the state at revision N or later, for example that of a write",
  },
  strong: { type: "boolean", help: "read the database, not the registry's memory" },
  "at-revision": {
    type: "string",
    value: "N",
    help: "the state right after revision N, with expiry judged at that time",
  },
} as const satisfies Record<string, Flag>

type Requirement = { case: "minRevision" | "atRevision"; value: bigint } | { case: "strong"; value: true }

/** The consistency that the flags ask for, as a part of a request. */
export function consistencyOf(values: Values<typeof CONSISTENCY_FLAGS>): {
  consistency?: { requirement: Requirement }
} {
  const { strong, "min-revision": least, "at-revision": then } = values
  const asked: Requirement[] = []
  if (strong) asked.push({ case: "strong", value: true })
  if (least !== undefined) asked.push({ case: "minRevision", value: revisionOf("--min-revision", least) })
  if (then !== undefined) asked.push({ case: "atRevision", value: revisionOf("--at-revision", then) })
  if (asked.length > 1) throw new UsageError("give one of --strong, --min-revision and --at-revision")
  return asked[0] ? { consistency: { requirement: asked[0] } } : {}
}

function revisionOf(flag: string, text: string): bigint {
  if (!/^[1-9]\d{0,17}$/.test(text)) throw new UsageError(`${flag} must be a whole number of 1 or more`)
  return BigInt(text)
}
