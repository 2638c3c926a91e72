import type { Flag, Values } from "./command.js"
import { UsageError } from "./usage.js"

/** Flags of the commands that say how new what they tell is to be. */
export const CONSISTENCY_FLAGS = {
  strong: { type: "boolean", help: "as it is in the database now, not in the registry's memory" },
  "at-revision": {
    type: "string",
    value: "N",
    help: "as it was right after revision N, judged at that moment",
  },
} as const satisfies Record<string, Flag>

type Consistency = { case: "strong"; value: true } | { case: "atRevision"; value: bigint }

/** What the flags say, as a part of a request. */
export function consistencyOf(values: Values<typeof CONSISTENCY_FLAGS>): { consistency?: Consistency } {
  const revision = values["at-revision"]
  if (revision === undefined) return values.strong ? { consistency: { case: "strong", value: true } } : {}
  if (values.strong) throw new UsageError("--strong asks for now, --at-revision for then: give one of them")
  if (!/^[1-9]\d{0,17}$/.test(revision))
    throw new UsageError("--at-revision must be a whole number of 1 or more")
  return { consistency: { case: "atRevision", value: BigInt(revision) } }
}
