import { visible } from "@trust-registry/eatp"

/**
 * Makes a text safe for a status or a log line: well-formed (grpc-js throws when it percent-encodes a lone surrogate), on one
 * line, and cut to `maxBytes` of UTF-8, with an ellipsis at the end if it was longer.
 */
export function sanitize(text: string, maxBytes: number): string {
  // A text of megabytes is not worth scanning beyond the cut.
  const line = text
    .slice(0, maxBytes + 1)
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029]+/gu, " ")
  if (Buffer.byteLength(line) <= maxBytes && text.length <= maxBytes) return line
  return `${startOf(line, maxBytes - Buffer.byteLength(ELLIPSIS))}${ELLIPSIS}`
}

/** The same for texts that only people read: characters that show nothing or turn the direction of writing are escaped. */
export function sanitizeForPeople(text: string, maxBytes: number): string {
  const line = text
    .slice(0, maxBytes + 1)
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029]+/gu, " ")
  return sanitize(visible(line), maxBytes)
}

const ELLIPSIS = "…"

/** The longest prefix of whole code points that fits. */
function startOf(line: string, maxBytes: number) {
  const bytes = Buffer.from(line)
  let end = Math.max(0, Math.min(maxBytes, bytes.length))
  while (end > 0 && end < bytes.length && isContinuation(bytes[end])) end--
  return bytes.toString("utf8", 0, end)
}

function isContinuation(byte: number | undefined) {
  return byte !== undefined && (byte & 0xc0) === 0x80
}
