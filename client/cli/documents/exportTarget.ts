import { once } from "node:events"
import { constants, fstatSync, type Stats, type WriteStream } from "node:fs"
import { chmod, lstat, open, realpath, rename, rm, stat } from "node:fs/promises"
import { type Output, outputTo } from "../output/output.js"
import { UsageError } from "../usage.js"

/** Writes to the given output. */
export type Write = (output: Output) => Promise<void>

/** A file, device or pipe that an export is written to. */
export interface ExportTarget {
  /** Whether it is a file, which is replaced once the export is complete; otherwise a device or pipe. */
  replaces: boolean
  /** Opens it, calls `write`, and closes it. */
  fill(write: Write): Promise<void>
}

/**
 * Returns the target of a name: a file, which is replaced once the export is complete; a device or pipe, which is written
 * directly; or undefined for standard output. Throws a UsageError for a directory or a broken link.
 */
export async function exportTarget(name: string | undefined): Promise<ExportTarget | undefined> {
  if (name === undefined || name === "-") return undefined
  const found = await statOf(name)
  if (!found) return { replaces: true, fill: (write) => namingFile(name, replace(name, undefined, write)) }
  if (found.isDirectory()) throw new UsageError(`${name} is a directory`)
  // A name like /dev/stdout may be a socket, which cannot be opened, or a file that a shell holds open.
  if (isStandardOutput(found)) return undefined
  if (!found.isFile()) return { replaces: false, fill: (write) => namingFile(name, writeInto(name, write)) }
  const file = await realpath(name)
  return { replaces: true, fill: (write) => namingFile(name, replace(file, found.mode & PERMISSIONS, write)) }
}

const PERMISSIONS = 0o7777

async function statOf(name: string): Promise<Stats | undefined> {
  try {
    return await stat(name)
  } catch (cause) {
    // Other problems with the name show when it is opened.
    if (await lstat(name).catch(() => undefined)) {
      throw new UsageError(`${name} is a broken link`, { cause })
    }
    return undefined
  }
}

function isStandardOutput({ dev, ino }: Stats) {
  try {
    const own = fstatSync(process.stdout.fd)
    return own.dev === dev && own.ino === ino
  } catch {
    return false
  }
}

async function writeInto(name: string, write: Write) {
  const handle = await open(name, constants.O_WRONLY)
  await complete(handle.createWriteStream(), write)
}

/** Writes a temporary file and renames it at the end: readers see the old file or the whole new one. */
async function replace(file: string, mode: number | undefined, write: Write) {
  const partial = `${file}.${process.pid}.partial`
  // Whatever the umask: what an export holds is for its owner to give away.
  const handle = await open(partial, "wx", 0o600)
  try {
    await complete(handle.createWriteStream({ flush: true }), write)
    if (mode !== undefined) await chmod(partial, mode)
    await rename(partial, file)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

async function complete(stream: WriteStream, write: Write) {
  try {
    await Promise.race([write(outputTo(stream)), failureOf(stream)])
    stream.end()
    await once(stream, "close")
  } catch (error) {
    stream.destroy()
    throw error
  }
}

function failureOf(stream: WriteStream) {
  return new Promise<never>((_, reject) => stream.on("error", reject))
}

/** Adds the file name to errors of the file; errors of the registry pass unchanged. */
async function namingFile(name: string, writing: Promise<void>) {
  try {
    await writing
  } catch (cause) {
    if (!isSystemError(cause)) throw cause
    throw new Error(`cannot write ${name}: ${cause.code}`, { cause })
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error
}
