import { constants } from "node:fs"
import { mkdir, open, realpath, stat } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { EmbeddedPostgresError } from "./errors.js"

/** The folders of the embedded PostgreSQL, as absolute paths without symbolic links. */
export interface Folder {
  /** The data folder as configured, for error messages. */
  readonly dataDir: string
  /** `<dataDir>/postgres`, mode 0700, holds everything. It protects the socket too. */
  readonly root: string
  /** The database cluster (PGDATA), with the socket. */
  readonly data: string
  /** Library links, if the package's own folder is read-only. */
  readonly lib: string
  /** The output of initdb and the postmaster. */
  readonly log: string
}

/**
 * Creates the data folder if it is missing, makes the folders in it private again, and returns its layout.
 * Throws EmbeddedPostgresError FOLDER_UNUSABLE if that is not permitted.
 */
export async function openFolder(dataDir: string): Promise<Folder> {
  const absolute = resolve(dataDir)
  try {
    // 0711 and not 0700: when started as root, the database may run as another user, who must be able to pass through.
    await makeFolder(absolute, 0o711)
    await makeFolder(join(absolute, "postgres"), 0o700)
    const root = await realpath(join(absolute, "postgres"))
    await makePrivate(root)
    await makePrivate(join(root, "data"))
    return {
      dataDir: absolute,
      root,
      data: join(root, "data"),
      lib: join(root, "lib"),
      log: join(root, "postgres.log"),
    }
  } catch (cause) {
    const reason = `the data folder ${absolute} cannot be created, entered or made private: ${(cause as Error).message}`
    throw new EmbeddedPostgresError("FOLDER_UNUSABLE", reason, { cause })
  }
}

/**
 * Takes from others what PostgreSQL does not start with: to write as the group, or anything as anybody. Kubernetes (`fsGroup`) gives
 * the group of a volume all rights to all that is in it, at every start of a pod.
 */
async function makePrivate(path: string): Promise<void> {
  // Does not follow links: in a folder of another user, one could make root change any folder.
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants
  const folder = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch(() => undefined)
  try {
    if (folder && ((await folder.stat()).mode & 0o027) !== 0) await folder.chmod(0o700)
  } finally {
    await folder?.close()
  }
}

/** Like `mkdir` with `recursive`, which loops forever below a folder such as /proc, where nothing can be created. */
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
