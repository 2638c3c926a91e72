import { createHash } from "node:crypto"
import {
  ARCHIVE_VERSION,
  type ArchiveCounts,
  type ArchiveEnd,
  ArchiveError,
  type ArchiveHeader,
  type EntryKind,
  entryOf,
  kindOf,
  noCounts,
} from "./archiveFormat.js"
import { type Line, linesOf } from "./archiveLines.js"

/** An archive in a file that was found to be whole. */
export interface ArchiveFile {
  header: ArchiveHeader
  counts: ArchiveCounts
  /** The digest of what it holds. */
  sha256: string
  /** Its entries of a kind, with their lines. */
  entries<Kind extends EntryKind>(
    kind: Kind,
  ): AsyncGenerator<{ line: number; entry: ReturnType<typeof entryOf<Kind>> }>
}

/**
 * Reads an archive once to the end, and checks version, every line, counts and digest, before anybody uses it.
 *
 * @throws ArchiveError if it is not whole
 */
export async function openArchive(file: string): Promise<ArchiveFile> {
  const lines = linesOf(file)
  const hash = createHash("sha256")
  const counts = noCounts()
  let header: ArchiveHeader | undefined
  let end: ArchiveEnd | undefined
  for await (const line of lines) {
    if (end) throw new ArchiveError(`line ${line.number} follows the end of the archive`)
    const kind = kindOf(line.text)
    if (!header) header = headerOf(line)
    else if (kind === undefined) end = endOf(line)
    else {
      readable(line, () => entryOf(kind, line.text))
      counts[kind]++
    }
    if (!end) hash.update(line.bytes)
  }
  const sha256 = hash.digest("hex")
  if (!header) throw new ArchiveError("the file is empty")
  if (!end) throw new ArchiveError("the archive was cut short: its last line is missing")
  if (end.sha256 !== sha256)
    throw new ArchiveError(
      `the archive was altered or damaged: its SHA-256 is ${sha256}, and it says ${end.sha256}`,
    )
  for (const [kind, count] of Object.entries(counts))
    if (end.end[kind as EntryKind] !== count)
      throw new ArchiveError(
        `the archive has ${count} lines of ${kind}, and says ${end.end[kind as EntryKind]}`,
      )
  return {
    header,
    counts,
    sha256,
    async *entries(kind) {
      for await (const { number, text } of linesOf(file))
        if (kindOf(text) === kind) yield { line: number, entry: entryOf(kind, text) }
    },
  }
}

/** The first bytes of every archive. */
export const ARCHIVE_BEGINNING = '{"trust_registry_archive":'

/** Whether a text begins as an archive does. */
export function beginsArchive(text: string): boolean {
  return text.startsWith(ARCHIVE_BEGINNING)
}

function headerOf(line: Line): ArchiveHeader {
  if (!beginsArchive(line.text)) throw new ArchiveError("the file is no archive of a trust registry")
  const header = readable(line, () => JSON.parse(line.text) as ArchiveHeader)
  const { trust_registry_archive: version } = header
  if (version !== ARCHIVE_VERSION)
    throw new ArchiveError(
      `the archive has version ${version}; this program reads version ${ARCHIVE_VERSION}`,
    )
  return header
}

function endOf(line: Line): ArchiveEnd {
  const end = readable(line, () => JSON.parse(line.text) as Partial<ArchiveEnd>)
  if (typeof end.sha256 !== "string" || typeof end.end !== "object" || !line.ended)
    throw new ArchiveError(`line ${line.number} is no entry of an archive`)
  return { end: end.end, sha256: end.sha256 }
}

function readable<Read>(line: Line, read: () => Read): Read {
  try {
    return read()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ArchiveError(`line ${line.number} of the archive is not readable: ${why}`, { cause })
  }
}
