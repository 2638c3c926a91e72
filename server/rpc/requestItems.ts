/** The encoded items of one list of messages, and the other fields of the message around it. */
export interface Items {
  items: Buffer[]
  rest: Buffer
}

/** Takes an encoded message apart at its outermost level, until there are more than `most` items; undefined for malformed bytes. */
export function itemsIn(bytes: Buffer, list: number, most: number): Items | undefined {
  const items: Buffer[] = []
  const others: Buffer[] = []
  let at = 0
  while (at < bytes.length && items.length <= most && others.length <= most) {
    const start = at
    const tag = varintAt(bytes, at)
    if (tag === undefined) return undefined
    const value = valueAt(bytes, tag.end, tag.value & 7)
    if (value === undefined || value.end > bytes.length) return undefined
    at = value.end
    if (tag.value === ((list << 3) | LENGTH)) items.push(bytes.subarray(value.start, at))
    else others.push(bytes.subarray(start, at))
  }
  return { items, rest: Buffer.concat(others) }
}

const VARINT = 0
const FIXED64 = 1
const LENGTH = 2
const FIXED32 = 5

/** Where a value begins and ends; undefined for a group, which proto3 does not have. */
function valueAt(bytes: Buffer, start: number, wireType: number): { start: number; end: number } | undefined {
  if (wireType === FIXED64) return { start, end: start + 8 }
  if (wireType === FIXED32) return { start, end: start + 4 }
  const number = varintAt(bytes, start)
  if (number === undefined) return undefined
  if (wireType === VARINT) return { start, end: number.end }
  return wireType === LENGTH ? { start: number.end, end: number.end + number.value } : undefined
}

/** A varint of at most ten bytes, as a number: lengths and tags that matter are exact in it. */
function varintAt(bytes: Buffer, start: number): { value: number; end: number } | undefined {
  let value = 0
  for (let place = 0; place < 10; place++) {
    const byte = bytes[start + place]
    if (byte === undefined) return undefined
    value += (byte & 0x7f) * 2 ** (7 * place)
    if (byte < 0x80) return { value, end: start + place + 1 }
  }
  return undefined
}
