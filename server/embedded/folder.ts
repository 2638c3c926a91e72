import { mkdir, realpath, stat } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { EmbeddedPostgresError } from "./errors.js"

/** Where everything of the embedded PostgreSQL lies, as absolute paths without symbolic links. */
export interface Folder {
  /** The data folder as the operator knows it; error messages name this one. */
  readonly dataDir: string
  /** `<dataDir>/postgres`, mode 0700: all that is ours. Who cannot enter it cannot reach the socket. */
  readonly root: string
  /** The database cluster (PGDATA); the socket is in it too. */
  readonly data: string
  /** Library links, where the package's own folder is read-only. */
  readonly lib: string
  /** What initdb and the postmaster print. */
  readonly log: string
}

/**
 * Makes the data folder where it is missing and gives its layout.
 * Throws EmbeddedPostgresError FOLDER_UNUSABLE where that is not permitted.
 */
export async function openFolder(dataDir: string): Promise<Folder> {
  const absolute = resolve(dataDir)
  try {
    // 0711 and not 0700: started as root, the database may have to run as another user, who passes through here.
    await makeFolder(absolute, 0o711)
    await makeFolder(join(absolute, "postgres"), 0o700)
    const root = await realpath(join(absolute, "postgres"))
    return {
      dataDir: absolute,
      root,
      data: join(root, "data"),
      lib: join(root, "lib"),
      log: join(root, "postgres.log"),
    }
  } catch (cause) {
    const reason = `the data folder ${absolute} cannot be made or entered: ${(cause as Error).message}`
    throw new EmbeddedPostgresError("FOLDER_UNUSABLE", reason, { cause })
  }
}

/** Like `mkdir` with `recursive`, which never ends below a folder such as /proc, that holds none and lets none be made. */
async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return
    if (code !== "ENOENT" || dirname(path) === path || (await exists(dirname(path)))) throw error
    await makeFolder(dirname(path), mode)
    await mkdir(path, { mode })
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
