import { type Json, JsonNumber, JsonObject } from "@trust-registry/eatp"

/**
 * How one case of a vector file came out: a problem tells what was expected and what was found, a note where
 * and how our answer is stricter than the reference implementation's.
 */
export type Outcome = { name: string; problem: string | undefined; note: string | undefined }

/** Judges a whole vector file, case by case. */
export type Checker = (file: JsonObject) => Iterable<Outcome> | AsyncIterable<Outcome>

/**
 * Runs the checks of one case: an error of any kind is its problem, never the end of the run. A text that a
 * check gives back is the case's note.
 */
export function judge(name: string, check: () => unknown): Outcome {
  try {
    const note = check()
    return { name, problem: undefined, note: typeof note === "string" ? note : undefined }
  } catch (error) {
    return { name, problem: problemOf(error), note: undefined }
  }
}

/** As {@link judge}, of checks that take their time. */
export async function judgeLater(name: string, check: () => Promise<string | undefined>): Promise<Outcome> {
  try {
    return { name, problem: undefined, note: await check() }
  } catch (error) {
    return { name, problem: problemOf(error), note: undefined }
  }
}

function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Throws unless the two are the same. */
export function same(what: string, found: unknown, expected: unknown): void {
  if (found === expected) return
  throw new Error(`${what}: expected ${show(expected)}, found ${show(found)}`)
}

/** Throws unless the action throws. */
export function refuses(what: string, action: () => unknown): void {
  let found: unknown
  try {
    found = action()
  } catch {
    return
  }
  throw new Error(`${what}: expected a refusal, found ${show(found)}`)
}

/** The member of an object that a vector file must have, as an object. */
export function objectAt(object: JsonObject, key: string): JsonObject {
  const value = object.get(key)
  if (!(value instanceof JsonObject)) throw new Error(`The vector has no object ${key}`)
  return value
}

/** The member of an object that a vector file must have, as text. */
export function textAt(object: JsonObject, key: string): string {
  const value = object.get(key)
  if (typeof value !== "string") throw new Error(`The vector has no text ${key}`)
  return value
}

/** A member that may be null or missing, as text. */
export function optionalTextAt(object: JsonObject, key: string): string | undefined {
  return (object.get(key) ?? null) === null ? undefined : textAt(object, key)
}

/** The objects of a list; an absent list is empty. */
export function objectsAt(object: JsonObject, key: string): JsonObject[] {
  const list = object.get(key) ?? []
  if (!Array.isArray(list)) throw new Error(`The vector's ${key} is no list`)
  return list.filter((item) => item instanceof JsonObject)
}

/** What names a case for people: its name, or its place in the list. */
export function nameOf(object: JsonObject, index: number): string {
  const name = object.get("name") ?? object.get("input")
  return typeof name === "string" ? JSON.stringify(name) : `#${index}`
}

function show(value: unknown): string {
  if (value instanceof JsonNumber) return value.text
  const text = value === undefined ? "nothing" : (JSON.stringify(value as Json) ?? String(value))
  return text.length > 2000 ? `${text.slice(0, 2000)}…` : text
}
