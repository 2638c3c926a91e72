import { invalidRequest } from "../errors.js"

/** The token of the page after `last`, good only for the filter with this fingerprint. */
export function pageTokenOf(fingerprint: string, last: string): string {
  return Buffer.from(`${fingerprint}.${last}`).toString("base64url")
}

/** The agent id that the page begins after; empty for no token. Throws INVALID_REQUEST for one of another filter. */
export function readPageToken(token: string, fingerprint: string): string {
  if (token === "") return ""
  const text = Buffer.from(token, "base64url").toString()
  const last = text.slice(fingerprint.length + 1)
  if (!text.startsWith(`${fingerprint}.`) || pageTokenOf(fingerprint, last) !== token)
    throw invalidRequest(
      "page_token",
      "is no token of this filter: send the filter that the first page was asked with",
    )
  return last
}
