import { constants } from "node:fs"
import { open, rename, stat } from "node:fs/promises"
import type { Folder } from "./folder.js"

/** Takes what the embedded PostgreSQL has to say; give the server's logger, bound. */
export type Log = (
  level: "info" | "warn" | "error",
  message: string,
  details?: Record<string, unknown>,
) => void

/**
 * The file that initdb and the postmaster write to, opened to append; one that grew past 10 MiB becomes `.1` first. A new
 * one belongs to `owner`, who may start the server himself another day.
 */
export async function openLog(folder: Folder, owner?: { readonly uid: number; readonly gid: number }) {
  if ((await sizeOfLog(folder)) > LOG_MAX_BYTES) await rename(folder.log, `${folder.log}.1`)
  // No following: where root opens a file in a folder that another user owns, a link would choose the file.
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants
  const file = await open(folder.log, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600)
  if (owner && (await file.stat()).size === 0) await file.chown(owner.uid, owner.gid)
  return file
}

const LOG_MAX_BYTES = 10 * 1024 * 1024

/** Bytes in the log file, 0 where there is none. */
export async function sizeOfLog(folder: Folder): Promise<number> {
  return (await stat(folder.log).catch(() => undefined))?.size ?? 0
}

/** The last lines written after `offset`, for an error message; says so where the file is gone. */
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
