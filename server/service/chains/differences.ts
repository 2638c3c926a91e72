import type { JsonValue } from "@bufbuild/protobuf"

/** A place where two JSON values differ. */
export interface Difference {
  /** Where, for example `chain.capabilities[0].capability`. */
  path: string
  /** JSON text of the first value there; empty where it has none. */
  expected: string
  /** JSON text of the second value there; empty where it has none. */
  found: string
}

/** Longest text of a value in a report. */
const MAX_TEXT = 200

/** Where two JSON values differ, down to the deepest places that differ. */
export function differences(
  expected: JsonValue | undefined,
  found: JsonValue | undefined,
  path: string,
): Difference[] {
  if (Array.isArray(expected) && Array.isArray(found)) {
    const length = Math.max(expected.length, found.length)
    return Array.from({ length }, (_, i) => differences(expected[i], found[i], `${path}[${i}]`)).flat()
  }
  if (isObject(expected) && isObject(found)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(found)])]
    return keys.flatMap((key) => differences(member(expected, key), member(found, key), `${path}.${key}`))
  }
  const [left, right] = [textOf(expected), textOf(found)]
  return left === right ? [] : [{ path, expected: left.slice(0, MAX_TEXT), found: right.slice(0, MAX_TEXT) }]
}

/** A key may be `constructor`, which every object seems to have. */
function member(value: { [key: string]: JsonValue }, key: string): JsonValue | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined
}

function isObject(value: JsonValue | undefined): value is { [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** Sorts keys, because PostgreSQL does not keep their order. */
function textOf(value: JsonValue | undefined): string {
  if (value === undefined) return ""
  return JSON.stringify(value, (_, inner) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  )
}
