import { sha256Hex } from "./sha256.js"

/** One step of a proof: the other hash of a pair, and the side on which it is. */
export type MerkleStep = { hash: string; position: "left" | "right" }

/**
 * The root of EATP's Merkle tree over hashes in hex: a parent is the SHA-256 of the concatenated texts of its
 * two children, and an odd level repeats its last hash. Undefined without leaves. Leaves and parents are hashed alike,
 * so the number of leaves must be known from elsewhere: [a,b,c] and [a,b,c,c] have the same root.
 */
export function merkleRoot(leaves: readonly string[]): string | undefined {
  return levelsOf(leaves).at(-1)?.[0]
}

/** The steps from a leaf to the root; undefined for an index without a leaf. */
export function merkleProof(leaves: readonly string[], index: number): MerkleStep[] | undefined {
  if (!Number.isInteger(index) || index < 0 || index >= leaves.length) return undefined
  return levelsOf(leaves)
    .slice(0, -1)
    .map((level, height) => stepAt(level, index >> height))
}

/** Whether a proof leads from a leaf to a root. */
export function verifyMerkleProof(leaf: string, proof: readonly MerkleStep[], root: string): boolean {
  const top = proof.reduce(
    (hash, step) => sha256Hex(step.position === "left" ? step.hash + hash : hash + step.hash),
    leaf,
  )
  return top === root
}

function levelsOf(leaves: readonly string[]): string[][] {
  const levels = leaves.length === 0 ? [] : [[...leaves]]
  for (let level = levels[0]; level !== undefined && level.length > 1; level = levels.at(-1)) {
    levels.push(parentsOf(level))
  }
  return levels
}

function parentsOf(level: readonly string[]): string[] {
  const parents: string[] = []
  for (let at = 0; at < level.length; at += 2) {
    const left = level[at] ?? ""
    parents.push(sha256Hex(left + (level[at + 1] ?? left)))
  }
  return parents
}

function stepAt(level: readonly string[], index: number): MerkleStep {
  const own = level[index] ?? ""
  if (index % 2 === 1) return { hash: level[index - 1] ?? "", position: "left" }
  return { hash: level[index + 1] ?? own, position: "right" }
}
