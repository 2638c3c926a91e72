// The last digit holds bits beyond the bytes: in canonical text they are zero.
const ends: Record<number, RegExp> = {
  32: /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/,
  64: /^[A-Za-z0-9+/]{85}[AQgw]==$/,
}

/**
 * Decodes the one base64 text (RFC 4648, section 4) that a key of 32 bytes or a signature of 64 has;
 * undefined for any other: no line breaks, no URL-safe digits, padded, unused bits zero. The reference
 * implementation skips what is no digit; then several texts stand for one signature.
 */
export function decodeExactly(length: 32 | 64, text: string): Uint8Array | undefined {
  return ends[length]?.test(text) ? Buffer.from(text, "base64") : undefined
}
