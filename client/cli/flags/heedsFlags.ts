import { heedProblem, MAX_HEEDS } from "@trust-registry/eatp"
import type { Flag } from "../command.js"
import { UsageError } from "../usage.js"

/** The flag for constraints that the caller enforces itself. */
export const HEEDS_FLAG = {
  heeds: {
    type: "string",
    multiple: true,
    value: "NAME",
    help: "a constraint that you enforce yourself: a name, a text, or a beginning with * behind (repeatable)",
  },
} as const satisfies Record<string, Flag>

/** The flag that makes unenforced constraints deny. */
export const DENY_UNENFORCED_FLAG = {
  "deny-unenforced": {
    type: "boolean",
    help: "deny if a constraint applies that neither a rule nor you (--heeds) enforce",
  },
} as const satisfies Record<string, Flag>

/** The names given with `--heeds`. Throws UsageError for one that says nothing. */
export function heedsOf({ heeds = [] }: { heeds?: string[] }): string[] {
  if (heeds.length > MAX_HEEDS) throw new UsageError(`--heeds can be given ${MAX_HEEDS} times at most`)
  for (const heed of heeds) {
    const problem = heedProblem(heed)
    if (problem !== undefined) throw new UsageError(`--heeds ${JSON.stringify(heed)} ${problem}`)
  }
  return heeds
}
