import { type DescEnum, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf"
import { wordsOf } from "../document/words.js"
import { isAwareTime } from "../time/time.js"
import type { ShapeContext, ShapeLimits } from "./shapeContext.js"
import { jsonProblem, jsonProblemSteps, textProblem } from "./shapeJson.js"

/** The violation of a naive time in a field that needs an instant. */
export const NAIVE = "must have an offset from UTC, such as +00:00: a naive time names no instant"

/**
 * Checks the rules for records of any kind, and for the records inside: no unknown fields, valid text, known enum
 * numbers, ids within their bounds, times that parse, free-form values that are JSON.
 */
export function checkRecord(desc: DescMessage, message: Message, path: string, context: ShapeContext): void {
  reportUnknown(message, path, context)
  // The field descriptors name the properties.
  const values = message as unknown as Record<string, unknown>
  for (const field of recordFields(desc)) {
    const value = values[field.property]
    if (value === undefined) continue
    if (!field.isList) checkValue(field, value, path, undefined, context)
    else checkItems(field, value as unknown[], path, context)
  }
}

function reportUnknown(message: Message, path: string, { report }: ShapeContext): void {
  for (const field of message.$unknown ?? []) {
    report(path, `has an unknown field, number ${field.no}: it may be signed, and would be lost`)
  }
}

/** The same for a chain, with a step after each of its records and within long free-form values, which are checked last. */
export function* checkRecordSteps(
  desc: DescMessage,
  message: Message,
  path: string,
  context: ShapeContext,
): Generator<void, void> {
  reportUnknown(message, path, context)
  const values = message as unknown as Record<string, unknown>
  for (const field of recordFields(desc)) {
    const value = values[field.property]
    if (value === undefined) continue
    const items = field.isList ? (value as unknown[]) : [value]
    for (let index = 0; index < items.length && !context.isFull(); index++) {
      checkValue(field, items[index], path, field.isList ? index : undefined, context)
      yield
    }
  }
  for (const { text, name, path } of context.longJson) {
    const problem = yield* jsonProblemSteps(text, name, context.limits.maxJsonDepth)
    if (problem !== undefined) context.report(path, problem)
  }
}

// Free-form values of more UTF-16 units are checked in steps.
const LONG_JSON = 16_384

// What is wrong with a value of a field; undefined if it is valid. The value has the type of the field.
type Problem = (value: never, limits: ShapeLimits) => string | undefined
type RecordField = { property: string; name: string; isList: boolean; rule: DescMessage | Problem }

const known = new Map<string, readonly RecordField[]>()

function recordFields(desc: DescMessage): readonly RecordField[] {
  let fields = known.get(desc.typeName)
  if (fields === undefined) {
    fields = desc.fields.flatMap((field) => {
      const rule = field.message ?? problemOf(field)
      if (rule === undefined) return []
      return [{ property: field.localName, name: field.name, isList: field.fieldKind === "list", rule }]
    })
    known.set(desc.typeName, fields)
  }
  return fields
}

function checkItems(field: RecordField, items: unknown[], path: string, context: ShapeContext): void {
  for (let index = 0; index < items.length && !context.isFull(); index++) {
    checkValue(field, items[index], path, index, context)
  }
}

function checkValue(
  { name, rule }: RecordField,
  value: unknown,
  parent: string,
  index: number | undefined,
  context: ShapeContext,
): void {
  if (typeof value === "string" && value.length > LONG_JSON && name.endsWith("_json")) {
    context.longJson.push({ text: value, name, path: pathOf(parent, name, index) })
  } else if (typeof rule === "function") {
    const problem = rule(value as never, context.limits)
    // Builds the path only for a violation: most values are valid.
    if (problem !== undefined) context.report(pathOf(parent, name, index), problem)
  } else checkRecord(rule, value as Message, pathOf(parent, name, index), context)
}

function pathOf(parent: string, name: string, index: number | undefined): string {
  return index === undefined ? `${parent}.${name}` : `${parent}.${name}[${index}]`
}

function problemOf(field: DescField): Problem | undefined {
  if (field.enum !== undefined) return wordProblem(field.enum)
  if (field.scalar !== ScalarType.STRING) return undefined
  const { name } = field
  if (/(?:^|_)id$|^delegation_chain$/.test(name)) return idProblem
  if (/_at$|^valid_until$|^timestamp$/.test(name)) return timeProblem(name)
  if (name.endsWith("_json")) return (text: string, limits) => jsonProblem(text, name, limits.maxJsonDepth)
  return textProblem
}

function wordProblem(desc: DescEnum): Problem {
  const problem = `must be one of ${wordsOf(desc).join(", ")}`
  return (number: number) =>
    number !== 0 && desc.value[number] ? undefined : `${problem}; not ${number || "unspecified"}`
}

function idProblem(id: string, { maxIdBytes }: ShapeLimits): string | undefined {
  const problem = textProblem(id)
  if (problem !== undefined) return problem
  if (id === "") return `must not be empty: an id is 1 to ${maxIdBytes} bytes`
  // A UTF-16 unit is at most 3 bytes of UTF-8.
  const bytes = id.length * 3 <= maxIdBytes ? 0 : Buffer.byteLength(id)
  return bytes > maxIdBytes ? `is ${bytes} bytes long: an id is 1 to ${maxIdBytes} bytes` : undefined
}

function timeProblem(name: string): Problem {
  const mustBeAware = name === "expires_at" || name === "valid_until"
  return (text: string) => {
    const problem = textProblem(text)
    if (problem !== undefined) return problem
    const aware = isAwareTime(text)
    if (aware === undefined) return "must be a time that Python 3.11's fromisoformat reads"
    return mustBeAware && !aware ? NAIVE : undefined
  }
}
