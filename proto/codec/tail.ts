/**
 * A buffer that is written from its end to its beginning: a message is written before the length that precedes it, so that
 * nothing has to be moved. It grows as needed.
 */
export class Tail {
  #bytes = Buffer.allocUnsafeSlow(USUAL_BYTES)
  #at = USUAL_BYTES

  /** The number of bytes written. */
  get length(): number {
    return this.#bytes.length - this.#at
  }

  /** Discards the written bytes, and a buffer that grew unusually large. */
  clear(): void {
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(USUAL_BYTES)
    this.#at = this.#bytes.length
  }

  /** A copy of the written bytes. */
  copy(): Buffer {
    const copy = Buffer.allocUnsafeSlow(this.length)
    this.#bytes.copy(copy, 0, this.#at)
    return copy
  }

  /** Writes one byte. */
  byte(value: number): void {
    this.#room(1)
    this.#bytes[--this.#at] = value
  }

  /** Writes a varint of a whole number from 0 to 2^32 - 1. */
  varint(value: number): void {
    this.#room(5)
    let at = this.#at - varintLength(value)
    this.#at = at
    let rest = value
    for (; rest > 0x7f; rest >>>= 7) this.#bytes[at++] = (rest & 0x7f) | 0x80
    this.#bytes[at] = rest
  }

  /** Writes a varint of 64 bits. */
  varint64(value: bigint): void {
    const bits = BigInt.asUintN(64, value)
    let shift = 63n
    while (shift > 0n && bits >> shift === 0n) shift -= 7n
    for (let more = 0; shift >= 0n; shift -= 7n, more = 0x80)
      this.byte(Number((bits >> shift) & 0x7fn) | more)
  }

  /** Writes UTF-8. */
  text(value: string): void {
    const { length } = value
    if (length <= SHORT && this.#ascii(value, length)) return
    const bytes = Buffer.byteLength(value)
    this.#room(bytes)
    this.#at -= bytes
    this.#bytes.write(value, this.#at, bytes, "utf8")
  }

  /** Writes bytes. */
  raw(value: Uint8Array): void {
    this.#room(value.length)
    this.#at -= value.length
    this.#bytes.set(value, this.#at)
  }

  /** For short texts a loop is faster than the call into native code. */
  #ascii(value: string, length: number) {
    this.#room(length)
    const start = this.#at - length
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index)
      if (code > 0x7f) return false
      this.#bytes[start + index] = code
    }
    this.#at = start
    return true
  }

  #room(bytes: number) {
    if (this.#at >= bytes) return
    const written = this.length
    const larger = Buffer.allocUnsafeSlow(2 * (written + bytes))
    this.#bytes.copy(larger, larger.length - written, this.#at)
    this.#bytes = larger
    this.#at = larger.length - written
  }
}

/** The length of a varint of a whole number from 0 to 2^32 - 1, in bytes. */
export function varintLength(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x200000) return 3
  return value < 0x10000000 ? 4 : 5
}

const USUAL_BYTES = 16 * 1024
const KEPT_BYTES = 1024 * 1024
const SHORT = 24
