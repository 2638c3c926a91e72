import type { DescEnum, DescField, DescMessage, Message } from "@bufbuild/protobuf"
import type { ShapeContext } from "./shapeContext.js"
import { checkJsonField, textProblem } from "./shapeJson.js"
import { parseTime } from "./time.js"
import { wordOf, wordsOf } from "./words.js"

type FieldCheck = (value: unknown, path: string, context: ShapeContext) => void
type RecordField = { property: string; name: string; check: FieldCheck }

/**
 * Checks what holds for a record of any kind, and for the records inside it: no unknown fields, sound text, known enum
 * numbers, ids within their bounds, times that parse, free-form values that are JSON.
 */
export function checkRecord(desc: DescMessage, message: Message, path: string, context: ShapeContext): void {
  for (const field of message.$unknown ?? []) {
    context.report(path, `has an unknown field, number ${field.no}: it may be signed, and would be lost`)
  }
  // The properties are those that the fields' descriptors name.
  const values = message as unknown as Record<string, unknown>
  for (const { property, name, check } of recordFields(desc)) {
    const value = values[property]
    if (value !== undefined) check(value, `${path}.${name}`, context)
  }
}

const known = new Map<string, readonly RecordField[]>()

function recordFields(desc: DescMessage): readonly RecordField[] {
  let fields = known.get(desc.typeName)
  if (fields === undefined) {
    fields = desc.fields.flatMap((field) => {
      const check = fieldCheck(field)
      return check === undefined ? [] : [{ property: field.localName, name: field.name, check }]
    })
    known.set(desc.typeName, fields)
  }
  return fields
}

// Each cast is to the type that protobuf-es gives fields of that kind.
function fieldCheck(field: DescField): FieldCheck | undefined {
  if (field.message !== undefined) {
    const desc = field.message
    const check: FieldCheck = (value, path, context) => checkRecord(desc, value as Message, path, context)
    return field.fieldKind === "list" ? each(check) : check
  }
  if (field.enum !== undefined) {
    const desc = field.enum
    const check: FieldCheck = (value, path, context) => checkWord(desc, value as number, path, context)
    return field.fieldKind === "list" ? each(check) : check
  }
  return textCheck(field)
}

function each(check: FieldCheck): FieldCheck {
  return (values, path, context) => {
    let index = 0
    for (const value of values as unknown[]) check(value, `${path}[${index++}]`, context)
  }
}

function checkWord(desc: DescEnum, number: number, path: string, context: ShapeContext): void {
  if (wordOf(desc, number) !== undefined) return
  const words = wordsOf(desc)
  context.report(path, `must be one of ${words.join(", ")}`)
}

function textCheck({ name, fieldKind }: DescField): FieldCheck | undefined {
  if (name === "delegation_chain") return each(checkId as FieldCheck)
  if (fieldKind === "list") return each(checkText as FieldCheck)
  if (/(?:^|_)id$/.test(name)) return checkId as FieldCheck
  if (/_at$|^valid_until$|^timestamp$/.test(name)) return timeCheck(name)
  if (name.endsWith("_json")) {
    return (value, path, context) => checkJsonField(value as string, path, name, context)
  }
  return (value, path, context) => {
    if (typeof value === "string") checkText(value, path, context)
  }
}

function checkText(text: string, path: string, context: ShapeContext): boolean {
  const problem = textProblem(text)
  if (problem !== undefined) context.report(path, problem)
  return problem === undefined
}

function checkId(id: string, path: string, context: ShapeContext): void {
  if (!checkText(id, path, context)) return
  const most = context.limits.maxIdBytes
  if (id === "") context.report(path, `must not be empty: an id is 1 to ${most} bytes`)
  // A UTF-16 unit is at most 3 bytes of UTF-8.
  if (id.length * 3 <= most) return
  const bytes = Buffer.byteLength(id)
  if (bytes > most) context.report(path, `is ${bytes} bytes long: an id is 1 to ${most} bytes`)
}

function timeCheck(name: string): FieldCheck {
  const mustBeAware = name === "expires_at" || name === "valid_until"
  return (value, path, context) => {
    const time = parseTime(value as string)
    if (!checkText(value as string, path, context)) return
    if (time === undefined) context.report(path, "must be a time that Python 3.11's fromisoformat reads")
    else if (mustBeAware && !time.aware) context.report(path, NAIVE)
  }
}

/** What is wrong with a time that names no instant although it must. */
export const NAIVE = "must have an offset from UTC, such as +00:00: a naive time names no instant"
