/** The result of a scan: the value is complete, it continues in later bytes, or it is not JSON. */
export type ScanResult = "complete" | "unfinished" | "broken"

/** Finds the end of one JSON value in bytes that arrive in chunks. */
export interface JsonScanner {
  /** Continues from `start`. `end` is after the value, after the invalid byte, or the end of the bytes. */
  scan(bytes: Buffer, start: number): { result: ScanResult; end: number }
}

/**
 * Creates a scanner for a new value, which may be an element of an array. It checks brackets, strings, commas and colons;
 * the parser checks numbers, literals and escapes later.
 */
export function createJsonScanner(inArray = false): JsonScanner {
  // For each open bracket, whether it opens an object.
  const objects: boolean[] = []
  let state: State = State.value
  let escaped = false

  /** Takes the byte that ends a nested value. Returns whether the whole value is complete. */
  const closes = () => {
    state = State.after
    return objects.length === 0
  }

  /** A number or literal has no closing byte: it ends where the array around it continues. */
  const endsBefore = (byte: number) =>
    inArray && state === State.scalar && objects.length === 0 && (byte === COMMA || byte === CLOSE_ARRAY)

  const take = (byte: number): ScanResult => {
    if (state === State.string || state === State.key) return takeText(byte)
    if (isSpace(byte)) return state === State.scalar && closes() ? "complete" : "unfinished"
    if (byte === COMMA || byte === COLON) return separate(byte)
    if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) return close(byte === CLOSE_OBJECT)
    return open(byte)
  }

  const takeText = (byte: number): ScanResult => {
    if (escaped) escaped = false
    else if (byte === BACKSLASH) escaped = true
    else if (byte < 0x20) return "broken"
    else if (byte === QUOTE) {
      if (state === State.key) state = State.colon
      else return closes() ? "complete" : "unfinished"
    }
    return "unfinished"
  }

  const separate = (byte: number): ScanResult => {
    if (byte === COLON) {
      if (state !== State.colon) return "broken"
      state = State.value
      return "unfinished"
    }
    const inObject = objects.at(-1)
    if ((state !== State.after && state !== State.scalar) || inObject === undefined) return "broken"
    state = inObject ? State.nextKey : State.value
    return "unfinished"
  }

  const close = (object: boolean): ScanResult => {
    const empty = object ? State.firstKey : State.firstValue
    const mayClose = state === State.after || state === State.scalar || state === empty
    if (!mayClose || objects.pop() !== object) return "broken"
    return closes() ? "complete" : "unfinished"
  }

  const open = (byte: number): ScanResult => {
    if (byte === QUOTE && (state === State.firstKey || state === State.nextKey)) {
      state = State.key
      return "unfinished"
    }
    if (state === State.scalar && byte !== QUOTE && byte !== OPEN_OBJECT && byte !== OPEN_ARRAY)
      return "unfinished"
    if (state !== State.value && state !== State.firstValue) return "broken"
    if (byte === QUOTE) state = State.string
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      objects.push(byte === OPEN_OBJECT)
      state = byte === OPEN_OBJECT ? State.firstKey : State.firstValue
    } else if (isScalar(byte)) state = State.scalar
    else return "broken"
    return "unfinished"
  }

  return {
    scan(bytes, start) {
      for (let at = start; at < bytes.length; at++) {
        const byte = bytes[at] as number
        if (endsBefore(byte)) return { result: "complete", end: at }
        const result = take(byte)
        if (result !== "unfinished") return { result, end: at + 1 }
      }
      return { result: "unfinished", end: bytes.length }
    },
  }
}

/** What the scanner expects next. */
const State = {
  value: 0,
  firstValue: 1,
  firstKey: 2,
  nextKey: 3,
  key: 4,
  colon: 5,
  string: 6,
  scalar: 7,
  after: 8,
} as const
type State = (typeof State)[keyof typeof State]

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a]
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d]

/** JSON's white space. */
export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** Digits, letters, signs and the point. */
function isScalar(byte: number) {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x2d
}
