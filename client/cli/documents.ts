import { createReadStream } from "node:fs"
import { stat } from "node:fs/promises"
import { chainFromDocument, DocumentError, JsonSyntaxError } from "@trust-registry/eatp"
import type { TrustLineageChain } from "@trust-registry/proto"
import { splitDocuments } from "./splitDocuments.js"
import { UsageError } from "./usage.js"

/** Where a document stands. */
export interface Origin {
  /** The file's name as it was given, or `stdin`. */
  file: string
  /** Line on which it begins, from 1. */
  line: number
}

/** A document that was read: a chain, or why it is none. */
export type ReadDocument = Origin &
  ({ chain: TrustLineageChain; chainHash: string | undefined } | { chain?: undefined; problem: string })

/** A text that was read, or why it cannot be. */
export type ReadText = Origin &
  ({ text: string; problem?: undefined } | { text?: undefined; problem: string })

/** Files of documents, checked to be there. */
export interface DocumentFiles<Document = ReadDocument> {
  /** All documents of all files in their order; `-` is standard input. */
  read(onBytes?: (count: number) => void): AsyncGenerator<Document>
  /** Bytes in all files together; undefined where standard input is among them. */
  size: number | undefined
}

/** Finds the files; none given means standard input. Throws a UsageError for one that cannot be read. */
export async function openDocuments(names: readonly string[]): Promise<DocumentFiles> {
  const { size, read } = await openTexts(names)
  return {
    size,
    async *read(onBytes) {
      for await (const { file, line, text, problem } of read(onBytes))
        yield { file, line, ...(text === undefined ? { problem } : parse(text, line)) }
    },
  }
}

/** As {@link openDocuments}, for JSON documents of any kind: they are split, and not read. */
export async function openTexts(names: readonly string[]): Promise<DocumentFiles<ReadText>> {
  const files = names.length === 0 ? ["-"] : names
  const sizes = await Promise.all(files.map(sizeOf))
  const size = sizes.includes(undefined) ? undefined : sizes.reduce<number>((sum, one) => sum + (one ?? 0), 0)
  return {
    size,
    async *read(onBytes = () => {}) {
      for (const file of files) yield* readFile(file, onBytes)
    },
  }
}

async function sizeOf(file: string) {
  if (file === "-") return undefined
  const found = await stat(file).catch((cause) => {
    throw new UsageError(`${file} cannot be read: ${cause.code}`, { cause })
  })
  if (found.isDirectory()) throw new UsageError(`${file} is a folder`)
  return found.isFile() ? found.size : undefined
}

async function* readFile(name: string, onBytes: (count: number) => void): AsyncGenerator<ReadText> {
  const stream: AsyncIterable<Buffer> =
    name === "-" ? process.stdin : createReadStream(name, { highWaterMark: CHUNK })
  const file = name === "-" ? "stdin" : name
  for await (const { line, text, problem } of splitDocuments(counted(stream, onBytes))) {
    yield { file, line, ...(problem === undefined ? { text } : { problem }) }
  }
}

const CHUNK = 256 * 1024

async function* counted(stream: AsyncIterable<Buffer>, onBytes: (count: number) => void) {
  for await (const chunk of stream) {
    onBytes(chunk.length)
    yield chunk
  }
}

function parse(text: string, line: number) {
  try {
    return chainFromDocument(text)
  } catch (error) {
    return { problem: problemOf(error, line) }
  }
}

/** Why a document that begins on this line cannot be read; throws what is no fault of the document. */
export function problemOf(error: unknown, line: number): string {
  // The parser counts lines from the document's first; a place on that line says no more than the line itself.
  if (error instanceof JsonSyntaxError) return inFile(error, line)
  if (error instanceof DocumentError) return error.message
  throw error
}

function inFile(error: JsonSyntaxError, line: number) {
  return error.message.replace(/ at line \d+ column/, ` at line ${line + error.line - 1} column`)
}
