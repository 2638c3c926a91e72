import type { DescEnum, DescMessage, Message } from "@bufbuild/protobuf"
import { type AllowedTools, type TrustLineageChain, TrustLineageChainSchema } from "@trust-registry/proto"
import { compactJson } from "../json/compactJson.js"
import { parseJson } from "../json/parseJson.js"
import { DocumentError } from "./documentError.js"
import { type DocumentField, documentFields, isDimensionScope } from "./documentFields.js"
import { wordOf, wordsOf } from "./words.js"

/**
 * Writes a chain in EATP's full form on one line: every field, in the order of the reference implementation, defaults
 * filled in. Free-form values lose the white space between tokens and nothing else.
 *
 * @throws DocumentError for free-form text that is not JSON and for enum numbers without a word; checkShape refuses
 * such chains.
 */
export function documentFromChain(chain: TrustLineageChain): string {
  return recordText(TrustLineageChainSchema, chain, "")
}

function recordText(desc: DescMessage, message: Message, path: string): string {
  const prefix = path === "" ? "" : `${path}.`
  const members = documentFields(desc).map((field) => {
    // The property is the one that the field's descriptor names.
    const value = (message as unknown as Record<string, unknown>)[field.property]
    return `"${field.key}":${value === undefined ? field.unset : valueText(field, value, prefix + field.key)}`
  })
  return `{${members.join(",")}}`
}

// Each cast is to the type that protobuf-es gives fields of that shape.
function valueText({ shape }: DocumentField, value: unknown, path: string): string {
  switch (shape.kind) {
    case "text":
    case "texts":
      return JSON.stringify(value)
    case "integer":
    case "flag":
      return String(value)
    case "json":
      return freeFormText(value as string, path)
    case "tools":
      return JSON.stringify((value as AllowedTools).names)
    case "word":
      return wordText(shape.desc, value as number, path)
    case "words":
      return wordsText(shape.desc, value as number[], path)
    case "record":
      return recordText(shape.desc, value as Message, path)
    case "records":
      return recordsText(shape.desc, value as Message[], path)
  }
}

function freeFormText(text: string, path: string): string {
  try {
    parseJson(text)
  } catch (cause) {
    throw new DocumentError(path, "is not JSON", { cause })
  }
  return compactJson(text)
}

function wordText(desc: DescEnum, number: number, path: string): string {
  const word = wordOf(desc, number)
  if (word === undefined) throw new DocumentError(path, `the contract has no number ${number}`)
  return `"${word}"`
}

function wordsText(desc: DescEnum, numbers: number[], path: string): string {
  if (numbers.length === 0 && isDimensionScope(desc)) return JSON.stringify([...wordsOf(desc)].sort())
  const texts = numbers.map((number, index) => wordText(desc, number, `${path}[${index}]`))
  return `[${texts.sort().join(",")}]`
}

function recordsText(desc: DescMessage, messages: Message[], path: string): string {
  return `[${messages.map((message, index) => recordText(desc, message, `${path}[${index}]`)).join(",")}]`
}
