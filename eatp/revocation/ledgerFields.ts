import { JsonNumber } from "../json/json.js"
import { RevocationError } from "./revocationError.js"

// EATP-12 D5: epochs and counts are u64, times have nine digits of a second and `Z`, hashes are 32 bytes.
const MOST = 2n ** 64n
const nanoseconds = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z$/

/** A u64 as signed; throws RevocationError for any other number. */
export function u64Field(name: string, value: bigint): JsonNumber {
  if (value < 0n || value >= MOST) {
    throw new RevocationError(`${name} must be in the u64 range [0, 2**64), got ${value}`)
  }
  return new JsonNumber(String(value))
}

/** A time as signed: kept to the nanosecond, never rewritten. Throws RevocationError for any other form. */
export function nanosecondField(name: string, value: string): string {
  if (!nanoseconds.test(value)) {
    throw new RevocationError(
      `${name} must be RFC 3339 with 9 fractional (nanosecond) digits + 'Z', got '${value}'`,
    )
  }
  return value
}

/** 32 bytes in lowercase hex; throws RevocationError for other text. */
export function hashField(name: string, value: string): string {
  if (!/^[0-9a-f]{64}$/.test(value)) throw new RevocationError(`${name} must be 32 bytes as lowercase hex`)
  return value
}

/** An id as signed: ASCII and not empty; throws RevocationError for other text. */
export function asciiIdField(name: string, value: string): string {
  if (!/^[\0-\x7f]+$/.test(value))
    throw new RevocationError(`${name} must be ASCII and not empty, got '${value}'`)
  return value
}
