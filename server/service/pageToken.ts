import { createHash } from "node:crypto"
import { create, toBinary } from "@bufbuild/protobuf"
import { textProblem } from "@trust-registry/eatp"
import { type ChainFilter, ChainFilterSchema } from "@trust-registry/proto"
import { invalidRequest } from "../errors.js"

const DIGEST_BYTES = 12

/** The token of the page after `last`, good only for this filter. */
export function pageTokenOf(filter: ChainFilter | undefined, last: string): string {
  return Buffer.concat([digestOf(filter, last), Buffer.from(last)]).toString("base64url")
}

/** The agent id that the page begins after; empty for no token. Throws INVALID_REQUEST for one of another filter. */
export function readPageToken(filter: ChainFilter | undefined, token: string): string {
  if (token === "") return ""
  const last = Buffer.from(token, "base64url").subarray(DIGEST_BYTES).toString()
  if (pageTokenOf(filter, last) !== token || textProblem(last))
    throw invalidRequest("page_token", "is no token of this filter: send the filter that the first page had")
  return last
}

/** Finds a token that was cut, changed, or made for another filter. It keeps no secret. */
function digestOf(filter: ChainFilter | undefined, last: string): Buffer {
  const asked: ChainFilter = filter ? { ...filter } : create(ChainFilterSchema)
  asked.activeOnly ??= true
  const hash = createHash("sha256").update(toBinary(ChainFilterSchema, asked)).update("\0").update(last)
  return hash.digest().subarray(0, DIGEST_BYTES)
}
