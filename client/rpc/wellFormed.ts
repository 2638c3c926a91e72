import { type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf"
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect"

/** A value that cannot be sent: a string that UTF-8 cannot carry, or what is no number of its field's type. */
export class IllFormedValueError extends Error {
  override readonly name = "IllFormedValueError"
  /** Path of the field in proto names, for example `chain.capabilities[0].id`. */
  readonly field: string

  constructor(field: string, fault: string) {
    super(`${field} ${fault}`)
    this.field = field
  }
}

/**
 * Throws an {@link IllFormedValueError} if any string of the message is not well-formed: protobuf-es would send U+FFFD
 * in its place and say nothing, and what arrives would no longer be what was signed. So it does for a number that its field cannot
 * hold, and for a text in place of a number.
 */
export function assertWellFormed(schema: DescMessage, message: Message): void {
  checkMessage(reflect(schema, message), "")
}

function checkMessage(message: ReflectMessage, prefix: string): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue
    const path = prefix + field.name
    switch (field.fieldKind) {
      case "scalar":
        checkScalar(field.scalar, message.get(field), path)
        break
      case "enum":
        checkScalar(ScalarType.INT32, message.get(field), path)
        break
      case "message":
        checkMessage(message.get(field), `${path}.`)
        break
      case "list": {
        let index = 0
        for (const item of message.get(field)) checkItem(field.listKind, item, `${path}[${index++}]`)
        break
      }
      case "map":
        for (const [key, item] of message.get(field)) {
          checkItem("scalar", key, `${path} (a key)`)
          checkItem(field.mapKind, item, `${path}[${JSON.stringify(key)}]`)
        }
    }
  }
}

function checkItem(kind: "scalar" | "message" | "enum", item: unknown, path: string): void {
  if (kind === "message") checkMessage(item as ReflectMessage, `${path}.`)
  else if (typeof item === "string") checkText(item, path)
}

function checkScalar(type: ScalarType, value: unknown, path: string): void {
  if (type === ScalarType.STRING) checkText(value as string, path)
  const bits = type === ScalarType.INT32 ? 32 : type === ScalarType.INT64 ? 64 : undefined
  if (bits === undefined || isInteger(value, bits)) return
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value)
  throw new IllFormedValueError(path, `is ${shown}; it must be a whole number of ${bits} bits`)
}

/** A bigint field takes a safe number too, as protobuf-es does. */
function isInteger(value: unknown, bits: 32 | 64): boolean {
  if (typeof value === "bigint") return bits === 64 && BigInt.asIntN(64, value) === value
  return bits === 64 ? Number.isSafeInteger(value) : typeof value === "number" && (value | 0) === value
}

function checkText(text: string, path: string): void {
  if (text.isWellFormed()) return
  throw new IllFormedValueError(path, "holds a lone surrogate (U+D800 to U+DFFF), which UTF-8 cannot carry")
}
