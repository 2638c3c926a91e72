import { once } from "node:events"
import { constants, fstatSync, type Stats, type WriteStream } from "node:fs"
import { chmod, lstat, open, realpath, rename, rm, stat } from "node:fs/promises"
import { type Output, outputTo } from "../output/output.js"
import { UsageError } from "../usage.js"

/** Does the writing on the output that it is given. */
export type Write = (output: Output) => Promise<void>

/** What is written to by name. */
export interface ExportTarget {
  /** Whether it is a file that only a complete writing takes the place of; else a device or pipe. */
  replaces: boolean
  /** Opens it, has it written and closes it. */
  fill(write: Write): Promise<void>
}

/**
 * Finds out what a name stands for: a file, which is replaced when the writing is complete; a device or pipe, which is
 * written to; or undefined for standard output. Throws a UsageError for a folder, and for a link to nothing.
 */
export async function exportTarget(name: string | undefined): Promise<ExportTarget | undefined> {
  if (name === undefined || name === "-") return undefined
  const found = await statOf(name)
  if (!found) return { replaces: true, fill: (write) => namingFile(name, replace(name, undefined, write)) }
  if (found.isDirectory()) throw new UsageError(`${name} is a folder`)
  // Under names like /dev/stdout it may be a socket, which cannot be opened, or a file that a shell holds open.
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
    // What else is wrong with the name shows when it is opened.
    if (await lstat(name).catch(() => undefined)) {
      throw new UsageError(`${name} is a link to what is not there`, { cause })
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

/** Writes beside the file and takes its place in the end: whoever reads it sees the old one or all of the new. */
async function replace(file: string, mode: number | undefined, write: Write) {
  const partial = `${file}.${process.pid}.partial`
  // Nobody may read the new file, not even on its way, who could not read the old one.
  const handle = await open(partial, "wx", mode === undefined ? undefined : 0o600)
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

/** Failures of the file are told with its name; those of the registry pass. */
async function namingFile(name: string, writing: Promise<void>) {
  try {
    await writing
  } catch (cause) {
    if (!isSystemError(cause)) throw cause
    throw new Error(`${name} cannot be written: ${cause.code}`, { cause })
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error
}
