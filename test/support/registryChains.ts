import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** A chain of a registry to import, with the state hash that the reference implementation computed. */
export type RegistryChain = { document: string; hash: string }

/**
 * The registry made by the reference implementation, where its vectors are at hand: in the folder that
 * TRUST_REGISTRY_VECTORS names, or in `../shared/vectors` beside the project. Elsewhere the project's own chains stand in
 * for it, but not where that variable is set or in CI: there a missing folder is a mistake.
 */
export function registryChains(): RegistryChain[] {
  return readChains(registryFolder())
}

/** The folder of that registry, with the keys of its authorities and, where they are at hand, verdicts. */
export function registryFolder(): string {
  const root = join(import.meta.dirname, "..", "..")
  const { CI, TRUST_REGISTRY_VECTORS: named } = process.env
  const folder = named ?? join(root, "..", "shared", "vectors")
  if (existsSync(folder)) return folder
  if (named !== undefined || CI !== undefined) throw new Error(`The vectors are missing: no folder ${folder}`)
  return join(root, "test", "vectors")
}

function readChains(folder: string): RegistryChain[] {
  const hashes = readLines(join(folder, "chains.hashes.jsonl")).map(
    (line) => (JSON.parse(line) as { chain_hash: string }).chain_hash,
  )
  return readLines(join(folder, "chains.jsonl")).map((document, index) => ({
    document,
    hash: hashes[index] ?? "",
  }))
}

function readLines(path: string): string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
}
