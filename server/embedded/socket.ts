import { lutimes, mkdtemp, rm, symlink, utimes } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { EmbeddedPostgresError } from "./errors.js"
import { SOCKET_PORT } from "./settings.js"

/** The path to the database's socket. */
export interface SocketPath {
  /** A folder short enough for `<folder>/.s.PGSQL.5432` to be a socket address. */
  readonly folder: string
  close(): Promise<void>
}

/**
 * Returns the cluster's own folder, or if the socket's path would exceed the kernel's limit, a short symbolic link to it in a new
 * folder of mode 0700 with a random name, so that nobody else can plant a link there.
 */
export async function openSocketPath(data: string): Promise<SocketPath> {
  if (fits(data)) return { folder: data, close: async () => undefined }
  const shelter = await mkdtemp(join(shortTemporaryFolder(data), "tr-"))
  const folder = join(shelter, "d")
  await symlink(data, folder)
  const refresh = setInterval(() => touch(shelter, folder), REFRESH_MS).unref()
  return {
    folder,
    close: async () => {
      clearInterval(refresh)
      await rm(shelter, { recursive: true, force: true })
    },
  }
}

/** The address that the driver connects to. */
export function socketIn(folder: string): string {
  return join(folder, `.s.PGSQL.${SOCKET_PORT}`)
}

function fits(folder: string) {
  // sun_path without the terminating NUL: 107 bytes on Linux, 103 on macOS.
  return Buffer.byteLength(socketIn(folder)) <= (process.platform === "linux" ? 107 : 103)
}

function shortTemporaryFolder(data: string) {
  const found = [tmpdir(), "/tmp"].find((folder) => fits(join(folder, "tr-XXXXXX", "d")))
  if (found !== undefined) return found
  const reason = `the path ${data} is too long for a socket, and so is that of the temporary folder (TMPDIR)`
  throw new EmbeddedPostgresError("FOLDER_UNUSABLE", reason)
}

/** Systems remove temporary files that were not touched for ten days. */
const REFRESH_MS = 6 * 60 * 60 * 1000

function touch(shelter: string, link: string) {
  const now = new Date()
  Promise.all([utimes(shelter, now, now), lutimes(link, now, now)]).catch(() => undefined)
}
