import { constants, createReadStream } from "node:fs"
import { access, stat } from "node:fs/promises"
import { chainFromDocument, DocumentError, JsonSyntaxError } from "@trust-registry/eatp"
import type { TrustLineageChain } from "@trust-registry/proto"
import { UsageError } from "../usage.js"
import { encodingProblem } from "./encodingProblem.js"
import { splitDocuments } from "./splitDocuments.js"

/** Where a document is. */
export interface Origin {
  /** The file name as given, or `stdin`. */
  file: string
  /** The line on which it starts, from 1. */
  line: number
}

/** A document that was read: a chain, or why it is not one. */
export type ReadDocument = Origin &
  ({ chain: TrustLineageChain; chainHash: string | undefined } | { chain?: undefined; problem: string })

/** A text that was read, or why it cannot be read. */
export type ReadText = Origin &
  ({ text: string; problem?: undefined } | { text?: undefined; problem: string })

/** Files of documents, all of which exist. */
export interface DocumentFiles<Document = ReadDocument> {
  /** Yields the documents of all files in order; `-` is standard input. */
  read(onBytes?: (count: number) => void): AsyncGenerator<Document>
  /** Total bytes of all files. Undefined if standard input is one of them. */
  size: number | undefined
}

/** Options of {@link openDocuments}. */
export interface OpenOptions {
  /** Whether files without any document are a usage error. */
  some?: boolean
}

/**
 * Opens the files, or standard input if none is given. Throws a UsageError for one that cannot be read. After too many
 * lines that are not JSON the rest of a file is skipped, with a last problem that says so.
 */
export function openDocuments(names: readonly string[], options?: OpenOptions): Promise<DocumentFiles> {
  return openFiles(names, options, readDocuments)
}

/** Like {@link openDocuments}, for JSON documents of any kind: it splits them without parsing them. */
export function openTexts(names: readonly string[], options?: OpenOptions): Promise<DocumentFiles<ReadText>> {
  return openFiles(names, options, readTexts)
}

type OnBytes = (count: number) => void

async function openFiles<Document>(
  names: readonly string[],
  { some }: OpenOptions = {},
  readFile: (name: string, onBytes: OnBytes) => AsyncGenerator<Document>,
): Promise<DocumentFiles<Document>> {
  const files = names.length === 0 ? ["-"] : names
  const sizes = await Promise.all(files.map(sizeOf))
  const size = sizes.includes(undefined) ? undefined : sizes.reduce<number>((sum, one) => sum + (one ?? 0), 0)
  return {
    size,
    async *read(onBytes = () => {}) {
      let found = false
      for (const file of files) {
        for await (const document of readFile(file, onBytes)) {
          found = true
          yield document
        }
      }
      if (some && !found) throw new UsageError(`no document in ${files.map(shownName).join(", ")}`)
    },
  }
}

function shownName(name: string) {
  return name === "-" ? "standard input" : name
}

async function sizeOf(file: string) {
  if (file === "-") return undefined
  try {
    const found = await stat(file)
    if (found.isDirectory()) throw new UsageError(`${file} is a directory`)
    await access(file, constants.R_OK)
    return found.isFile() ? found.size : undefined
  } catch (error) {
    throw unreadable(file, error)
  }
}

function unreadable(file: string, cause: unknown) {
  if (!(cause instanceof Error) || !("code" in cause)) return cause
  return new UsageError(`cannot read ${file}: ${cause.code}`, { cause })
}

async function* readDocuments(name: string, onBytes: OnBytes): AsyncGenerator<ReadDocument> {
  let unparsable = 0
  let lastLine = 0
  for await (const { file, line, text, problem } of readTexts(name, onBytes)) {
    const { notJson, ...document } = text === undefined ? { problem, notJson: true } : parse(text, line)
    // A line that is not JSON may yield several problems.
    if (!notJson) unparsable = 0
    else if (line !== lastLine) unparsable++
    lastLine = line
    if (unparsable > MOST_UNPARSABLE) return yield { file, line, problem: REST_NOT_READ }
    yield { file, line, ...document }
  }
}

const MOST_UNPARSABLE = 20
const REST_NOT_READ = `not JSON, like the ${MOST_UNPARSABLE} lines before it: the rest of the file is skipped`

async function* readTexts(name: string, onBytes: OnBytes): AsyncGenerator<ReadText> {
  const stream: AsyncIterable<Buffer> =
    name === "-" ? process.stdin : createReadStream(name, { highWaterMark: CHUNK })
  const file = name === "-" ? "stdin" : name
  const chunks = stream[Symbol.asyncIterator]()
  const first = await chunks.next().catch((cause: unknown) => {
    throw unreadable(name, cause)
  })
  const wrong = first.done ? undefined : encodingProblem(first.value)
  if (wrong !== undefined) {
    await chunks.return?.()
    return yield { file, line: 1, problem: wrong }
  }
  for await (const { line, text, problem } of splitDocuments(counted(first, chunks, onBytes))) {
    yield { file, line, ...(problem === undefined ? { text } : { problem }) }
  }
}

const CHUNK = 256 * 1024

async function* counted(first: IteratorResult<Buffer>, chunks: AsyncIterator<Buffer>, onBytes: OnBytes) {
  try {
    for (let chunk = first; !chunk.done; chunk = await chunks.next()) {
      onBytes(chunk.value.length)
      yield chunk.value
    }
  } finally {
    await chunks.return?.()
  }
}

function parse(text: string, line: number) {
  try {
    return { ...chainFromDocument(text), notJson: false }
  } catch (error) {
    return { problem: problemOf(error, line), notJson: error instanceof JsonSyntaxError }
  }
}

/** Returns why a document that starts on this line cannot be read. Rethrows other errors. */
export function problemOf(error: unknown, line: number): string {
  // The parser counts lines from the document's first.
  if (error instanceof JsonSyntaxError) return inFile(error, line)
  if (error instanceof DocumentError) return error.message
  throw error
}

function inFile(error: JsonSyntaxError, line: number) {
  return error.message.replace(/ at line \d+ column/, ` at line ${line + error.line - 1} column`)
}
