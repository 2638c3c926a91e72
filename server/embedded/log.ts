import { constants } from "node:fs"
import { open, rename, stat } from "node:fs/promises"
import type { Folder } from "./folder.js"

/** Receives the log messages of the embedded PostgreSQL. */
export type Log = (
  level: "info" | "warn" | "error",
  message: string,
  details?: Record<string, unknown>,
) => void

/**
 * Opens the file that initdb and the postmaster append to; a file larger than 10 MiB is first renamed to `.1`. A new file
 * belongs to `owner`, who may start the server directly later.
 */
export async function openLog(folder: Folder, owner?: { readonly uid: number; readonly gid: number }) {
  if ((await sizeOfLog(folder)) > LOG_MAX_BYTES) await rename(folder.log, `${folder.log}.1`)
  // Does not follow links: in a folder owned by another user, a link could make root open any file.
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants
  const file = await open(folder.log, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600)
  if (owner && (await file.stat()).size === 0) await file.chown(owner.uid, owner.gid)
  return file
}

const LOG_MAX_BYTES = 10 * 1024 * 1024

/** Bytes in the log file, 0 if there is none. */
export async function sizeOfLog(folder: Folder): Promise<number> {
  return (await stat(folder.log).catch(() => undefined))?.size ?? 0
}

/** The last lines written after `offset`, for an error message; a placeholder if the file is gone. */
export async function readLogSince(folder: Folder, offset: number): Promise<string> {
  const file = await open(folder.log, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined)
  if (!file) return "(the log file is gone)"
  try {
    const size = (await file.stat()).size
    const from = Math.max(size < offset ? 0 : offset, size - EXCERPT_BYTES)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(EXCERPT_BYTES), 0, EXCERPT_BYTES, from)
    return buffer.toString("utf8", 0, bytesRead).trim()
  } finally {
    await file.close()
  }
}

const EXCERPT_BYTES = 4096
