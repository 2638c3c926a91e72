import { createHash } from "node:crypto"
import { textProblem } from "@trust-registry/eatp"
import { invalidRequest } from "../../errors.js"

const DIGEST_BYTES = 12

/** The token of the page after `last`, bound to the query `asked`, which is identified by its bytes. */
export function pageTokenOf(asked: Uint8Array, last: string): string {
  return Buffer.concat([digestOf(asked, last), Buffer.from(last)]).toString("base64url")
}

/** The key that the page starts after; empty without a token. Throws INVALID_REQUEST for a token of another query. */
export function readPageToken(asked: Uint8Array, token: string): string {
  if (token === "") return ""
  if (token.length > MAX_TOKEN) throw unknownToken()
  const last = Buffer.from(token, "base64url").subarray(DIGEST_BYTES).toString()
  if (pageTokenOf(asked, last) !== token || textProblem(last)) throw unknownToken()
  return last
}

/** Longer than any: keys are ids and revisions. */
const MAX_TOKEN = 65_536

function unknownToken() {
  return invalidRequest(
    "page_token",
    "is not a token of this list: repeat the other fields of the first page's request",
  )
}

/** Detects a token that was truncated, altered or made for another query. It is not a secret. */
function digestOf(asked: Uint8Array, last: string): Buffer {
  return createHash("sha256").update(asked).update("\0").update(last).digest().subarray(0, DIGEST_BYTES)
}
