// What RFC 8032 and libsodium refuse but OpenSSL accepts: with the identity as key, it verifies any message.

/** Whether 32 bytes are acceptable as a public key: a canonical point that is not of small order. */
export function isSafeKey(key: Uint8Array): boolean {
  return key.length === 32 && isSafePoint(key)
}

/** Whether 64 bytes are acceptable as a signature: R is canonical and not of small order, S is below the group order. */
export function isSafeSignature(signature: Uint8Array): boolean {
  return (
    signature.length === 64 && isSafePoint(signature.subarray(0, 32)) && isBelowOrder(signature.subarray(32))
  )
}

// 2^255 - 19, and the group order 2^252 + 27742317777372353535851937790883648493 (RFC 8032, section 5.1).
const FIELD = 0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffedn
const ORDER = 0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3edn
// The y coordinates of the eight points of small order: orders 4, 1, 2, and 8 twice.
const smallOrder = new Set([
  0n,
  1n,
  FIELD - 1n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
])

function isSafePoint(bytes: Uint8Array): boolean {
  // The top bit is the sign of x. The first byte rules out nearly all points without big integers.
  const last = bytes[31] ?? 0
  if (!suspicious.has(bytes[0] ?? 0)) return true
  const y = littleEndian(bytes, last & 0x7f)
  return y < FIELD && !smallOrder.has(y)
}

// The first bytes of the points of small order, and of every y from the field size up (0xed to 0xff).
const suspicious = new Set([
  0x00,
  0x01,
  0x26,
  0xc7,
  0xec,
  ...Array.from({ length: 19 }, (_, at) => 0xed + at),
])

function isBelowOrder(bytes: Uint8Array): boolean {
  const last = bytes[31] ?? 0
  if (last < 0x10) return true
  return last === 0x10 && littleEndian(bytes, last) < ORDER
}

function littleEndian(bytes: Uint8Array, last: number): bigint {
  const text = Buffer.from(bytes.subarray(0, 31)).reverse().toString("hex")
  return BigInt(`0x${last.toString(16).padStart(2, "0")}${text}`)
}
