import { createHash } from "node:crypto"
import { textProblem } from "@trust-registry/eatp"
import { invalidRequest } from "../../errors.js"

const DIGEST_BYTES = 12

/** The token of the page after `last`, good only for what was asked: bytes that tell one question from another. */
export function pageTokenOf(asked: Uint8Array, last: string): string {
  return Buffer.concat([digestOf(asked, last), Buffer.from(last)]).toString("base64url")
}

/** The id that the page begins after; empty for no token. Throws INVALID_REQUEST for one of another question. */
export function readPageToken(asked: Uint8Array, token: string): string {
  if (token === "") return ""
  const last = Buffer.from(token, "base64url").subarray(DIGEST_BYTES).toString()
  if (pageTokenOf(asked, last) !== token || textProblem(last))
    throw invalidRequest(
      "page_token",
      "is no token of this list: send what the request for the first page had",
    )
  return last
}

/** Finds a token that was cut, changed, or made for another question. It keeps no secret. */
function digestOf(asked: Uint8Array, last: string): Buffer {
  return createHash("sha256").update(asked).update("\0").update(last).digest().subarray(0, DIGEST_BYTES)
}
