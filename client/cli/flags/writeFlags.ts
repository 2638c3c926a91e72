import type { Flag } from "../command.js"
import { UsageError } from "../usage.js"

/** Flag of every command that changes chains. */
export const REVISION_FLAG = {
  "expected-revision": {
    type: "string",
    value: "N",
    help: "fail unless the chain is at revision N (with store, 0: fail if one is stored)",
  },
} as const satisfies Record<string, Flag>

/** Flag of every command that changes authorities. */
export const AUTHORITY_REVISION_FLAG = {
  "expected-revision": { type: "string", value: "N", help: "fail unless the authority is at revision N" },
} as const satisfies Record<string, Flag>

/** Flag of the commands that write documents. */
export const EXPIRY_FLAG = {
  "expires-at": { type: "string", value: "TIME", help: "an earlier expiry than the chain's own (ISO 8601)" },
} as const satisfies Record<string, Flag>

/** Returns the expected_revision of the flag, as part of a request. */
export function expectedRevision(values: { "expected-revision"?: string }): { expectedRevision?: bigint } {
  const text = values["expected-revision"]
  if (text === undefined) return {}
  if (!/^\d{1,18}$/.test(text)) throw new UsageError("--expected-revision must be a whole number")
  return { expectedRevision: BigInt(text) }
}
