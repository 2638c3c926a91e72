/** Why bytes that begin so hold no JSON documents in UTF-8; undefined where nothing is known against it. */
export function encodingProblem(start: Buffer): string | undefined {
  if (start[0] === 0x1f && start[1] === 0x8b)
    return "is compressed by gzip: `zcat FILE | trust-registry ...` reads it"
  return isUtf16(start) ? "is UTF-16: documents are read as UTF-8" : undefined
}

/** It begins with a byte order mark, or with one ASCII character of 16 bits. */
function isUtf16([first, second]: Buffer) {
  if (first === 0xff || first === 0xfe) return (first ^ 1) === second
  return second !== undefined && (first === 0) !== (second === 0)
}
