import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf"
import fc from "fast-check"

/**
 * Generates messages of a schema with any of its fields set: unusual text, integers up to their limits, and unknown enum
 * numbers. `depth` limits nested messages.
 */
export function messageOf(schema: DescMessage, depth = 5): fc.Arbitrary<Message> {
  const fields = schema.fields.filter((field) => depth > 0 || !field.message)
  const entries = fields.map((field) => {
    const value = anyOf(field, depth)
    const item = severalOf(field, value)
    return fc.option(
      item.map((given) =>
        field.oneof
          ? [field.oneof.localName, { case: field.localName, value: given }]
          : [field.localName, given],
      ),
      { nil: undefined },
    )
  })
  return fc
    .tuple(...entries)
    .map((given) => create(schema, Object.fromEntries(given.filter((entry) => entry !== undefined))))
}

function anyOf(field: DescField, depth: number): fc.Arbitrary<unknown> {
  if (field.message) return messageOf(field.message, depth - 1)
  if (field.enum) return fc.constantFrom(...field.enum.values.map(({ number }) => number), 77, -3)
  if (field.scalar === ScalarType.STRING) return texts
  if (field.scalar === ScalarType.BOOL) return fc.boolean()
  if (field.scalar === ScalarType.INT64) return bigs
  return field.scalar === ScalarType.BYTES ? fc.uint8Array() : numbers
}

function severalOf({ fieldKind }: DescField, value: fc.Arbitrary<unknown>) {
  if (fieldKind === "list") return fc.array(value, { maxLength: 4 })
  return fieldKind === "map" ? fc.dictionary(texts, value, { maxKeys: 4, noNullPrototype: true }) : value
}

const texts = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("", "\ufeffx", "\ufffd", "\ud800", "x".repeat(300), "é".repeat(40)),
  fc.constantFrom('"', "\\", "\0", "\n\x1f\x7f", "\u2028", "\u{1d11e}", "\udc00\ud800"),
)
const numbers = fc.oneof(fc.nat(), fc.constantFrom(0, 1, 127, 128, 16_384, 2 ** 31 - 1, -1))
const bigs = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 1n, 128n, 2n ** 32n),
)
