import { open } from "node:fs/promises"
import { ARCHIVE_BEGINNING, beginsArchive } from "../../archiveFile.js"
import { ArchiveError } from "../../archiveFormat.js"
import { UsageError } from "../usage.js"

/** Enough of a file to tell an archive from documents. */
const HEAD_BYTES = 64

/**
 * The archive that the arguments of an import name; undefined if they name documents. Throws a UsageError for an archive among
 * other files, and an ArchiveError for standard input that is empty or cut.
 */
export async function archiveAmong(args: readonly string[]): Promise<string | undefined> {
  const names = args.length === 0 ? ["-"] : args
  for (const name of names) {
    const head = name === "-" ? await headOfInput() : await headOf(name)
    if (!beginsArchive(head)) continue
    if (names.length > 1) throw new UsageError(`${name} is an archive, which is imported alone`)
    return name
  }
  return undefined
}

/** Documents report a file that cannot be read. */
async function headOf(name: string): Promise<string> {
  const file = await open(name).catch(() => undefined)
  try {
    // A named pipe would lose what is read of it.
    if (!file || !(await file.stat()).isFile()) return ""
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    return buffer.toString("latin1", 0, bytesRead)
  } catch {
    return ""
  } finally {
    await file?.close()
  }
}

/** What is read of standard input is put back. Throws an ArchiveError if it ends before it can be told what it is. */
async function headOfInput(): Promise<string> {
  const { stdin } = process
  let head = Buffer.alloc(0)
  while (head.length < HEAD_BYTES && beginsAlike(head)) {
    const chunk = (await nextChunk()) as Buffer | null
    // Such as what an export writes that fails at once.
    if (chunk === null)
      throw new ArchiveError(head.length === 0 ? "is empty" : "ends within the first line of an archive")
    head = Buffer.concat([head, chunk])
  }
  if (head.length > 0) stdin.unshift(head)
  return head.toString("latin1", 0, HEAD_BYTES)
}

/** Documents that come slowly are imported as they come. */
function beginsAlike(head: Buffer): boolean {
  return ARCHIVE_BEGINNING.startsWith(head.toString("latin1"))
}

async function nextChunk() {
  const { stdin } = process
  for (;;) {
    const chunk = stdin.read()
    if (chunk !== null || stdin.readableEnded) return chunk
    const ended = await new Promise<boolean>((resolve) => {
      const readable = () => done(false)
      const end = () => done(true)
      const done = (result: boolean) => {
        stdin.off("readable", readable)
        stdin.off("end", end)
        resolve(result)
      }
      stdin.once("readable", readable)
      stdin.once("end", end)
    })
    if (ended) return null
  }
}
