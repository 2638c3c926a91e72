import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** A chain to import, with the state hash computed by the reference implementation. */
export type RegistryChain = { document: string; hash: string }

/**
 * Returns the chains of the reference implementation from the folder that TRUST_REGISTRY_VECTORS names, or from
 * `../shared/vectors` next to the project. Without that folder it returns the project's own chains, except if the variable
 * is set or in CI, where a missing folder is an error.
 */
export function registryChains(): RegistryChain[] {
  return readChains(registryFolder())
}

/** Returns the folder of those chains, with the authorities' keys and, if available, verdicts. */
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
