import { type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf"
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect"

/** A string that UTF-8 cannot encode: it contains half of a surrogate pair. */
export class IllFormedStringError extends Error {
  override readonly name = "IllFormedStringError"
  /** Path of the field in proto names, for example `chain.capabilities[0].id`. */
  readonly field: string

  constructor(field: string) {
    super(`${field} contains a lone surrogate (U+D800 to U+DFFF), which UTF-8 cannot encode`)
    this.field = field
  }
}

/**
 * Throws an {@link IllFormedStringError} if any string of the message is not well-formed: protobuf-es would silently send
 * U+FFFD instead, and the signature would no longer match.
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
        if (field.scalar === ScalarType.STRING) checkText(message.get(field) as string, path)
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

function checkText(text: string, path: string): void {
  if (!text.isWellFormed()) throw new IllFormedStringError(path)
}
