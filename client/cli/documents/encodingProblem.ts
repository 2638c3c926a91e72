/** Returns why a file that starts with these bytes cannot be JSON in UTF-8, or undefined if it may be. */
export function encodingProblem(start: Buffer): string | undefined {
  if (start[0] === 0x1f && start[1] === 0x8b)
    return "is compressed with gzip: use `zcat FILE | trust-registry ...`"
  return isUtf16(start) ? "is UTF-16: documents must be UTF-8" : undefined
}

/** It starts with a byte order mark, or with one ASCII character of 16 bits. */
function isUtf16([first, second]: Buffer) {
  if (first === 0xff || first === 0xfe) return (first ^ 1) === second
  return second !== undefined && (first === 0) !== (second === 0)
}
