import type { Flag } from "../command.js"
import { EXPECTED_REVISION } from "./bounds.js"

/** Flag of every command that changes chains. */
export const REVISION_FLAG = {
  "expected-revision": {
    type: "string",
    value: "N",
    bounds: EXPECTED_REVISION,
    help: "fail unless the chain is at revision N (with store, 0: fail if one is stored)",
  },
} as const satisfies Record<string, Flag>

/** Flag of every command that changes authorities. */
export const AUTHORITY_REVISION_FLAG = {
  "expected-revision": {
    type: "string",
    value: "N",
    bounds: EXPECTED_REVISION,
    help: "fail unless the authority is at revision N",
  },
} as const satisfies Record<string, Flag>

/** Flag of the commands that write documents. */
export const EXPIRY_FLAG = {
  "expires-at": { type: "string", value: "TIME", help: "an earlier expiry than the chain's own (ISO 8601)" },
} as const satisfies Record<string, Flag>

/** Returns the expected_revision of the flag, as part of a request. */
export function expectedRevision(values: { "expected-revision"?: string }): { expectedRevision?: bigint } {
  const text = values["expected-revision"]
  if (text === undefined) return {}
  return { expectedRevision: BigInt(text) }
}
