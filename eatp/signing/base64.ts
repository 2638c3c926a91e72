// The last digit has bits to spare: in canonical text they are zero.
const ends: Record<number, RegExp> = {
  32: /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/,
  64: /^[A-Za-z0-9+/]{85}[AQgw]==$/,
}

/**
 * Decodes the canonical base64 (RFC 4648, section 4) of a 32-byte key or a 64-byte signature; undefined for any other
 * text: no line breaks, no URL-safe digits, padded, unused bits zero. The reference implementation skips characters
 * that are not digits, so that several texts decode to one signature.
 */
export function decodeExactly(length: 32 | 64, text: string): Uint8Array | undefined {
  return ends[length]?.test(text) ? Buffer.from(text, "base64") : undefined
}
