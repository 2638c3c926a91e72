import { sha256Hex } from "./sha256.js"

/** Links state hashes so that each covers all before it (EATP's LinkedHashChain); lowercase hex, one per hash. */
export function linkHashes(hashes: readonly string[]): string[] {
  const linked: string[] = []
  for (const hash of hashes) linked.push(linkHash(hash, linked.at(-1)))
  return linked
}

/**
 * The index of the first linked hash that does not follow from the hashes; undefined if all do. Lists of different
 * length break where the shorter one ends.
 */
export function brokenLink(hashes: readonly string[], linked: readonly string[]): number | undefined {
  if (hashes.length !== linked.length) return Math.min(hashes.length, linked.length)
  const broken = hashes.findIndex((hash, index) => linkHash(hash, linked[index - 1]) !== linked[index])
  return broken === -1 ? undefined : broken
}

function linkHash(hash: string, previous: string | undefined): string {
  return sha256Hex(`linked:${previous ?? "genesis"}:${hash}`)
}
