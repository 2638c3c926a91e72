import type { Flag, Values } from "../command.js"
import { UsageError } from "./usage.js"

/** Flags of the commands that say how new what they tell is to be. */
export const CONSISTENCY_FLAGS = {
  "min-revision": {
    type: "string",
    value: "N",
    help: "at least as new as revision N, which a write through any server answered",
  },
  strong: { type: "boolean", help: "as it is in the database now, not in the registry's memory" },
  "at-revision": {
    type: "string",
    value: "N",
    help: "as it was right after revision N, judged at that moment",
  },
} as const satisfies Record<string, Flag>

type Consistency = { case: "minRevision" | "atRevision"; value: bigint } | { case: "strong"; value: true }

/** What the flags say, as a part of a request. */
export function consistencyOf(values: Values<typeof CONSISTENCY_FLAGS>): { consistency?: Consistency } {
  const { strong, "min-revision": least, "at-revision": then } = values
  const asked: Consistency[] = []
  if (strong) asked.push({ case: "strong", value: true })
  if (least !== undefined) asked.push({ case: "minRevision", value: revisionOf("--min-revision", least) })
  if (then !== undefined) asked.push({ case: "atRevision", value: revisionOf("--at-revision", then) })
  if (asked.length > 1) throw new UsageError("give one of --strong, --min-revision and --at-revision")
  return asked[0] ? { consistency: asked[0] } : {}
}

function revisionOf(flag: string, text: string): bigint {
  if (!/^[1-9]\d{0,17}$/.test(text)) throw new UsageError(`${flag} must be a whole number of 1 or more`)
  return BigInt(text)
}
