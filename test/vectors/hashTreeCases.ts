import { type Json, merkleProof, merkleRoot, sha256Hex } from "@trust-registry/eatp"
import { object } from "./documents.js"
import { integer, type Vectors } from "./trustCases.js"

/** Merkle trees with all of their proofs. */
export function hashTreeVectors(): Record<string, Vectors> {
  return { merkle: { description: "Merkle trees", cases: [0, 1, 2, 3, 6, 7].map(treeCase) } }
}

function treeCase(size: number): Json {
  const leaves = Array.from({ length: size }, (_, at) => sha256Hex(`leaf ${at}`))
  const root = merkleRoot(leaves) ?? null
  const proofs = leaves.map((leaf_hash, at) =>
    object({
      leaf_hash,
      leaf_index: integer(at),
      proof_hashes: (merkleProof(leaves, at) ?? []).map((step) => object(step)),
      root_hash: root,
      tree_size: integer(size),
      verifies: true,
    }),
  )
  return object({ name: `${size} leaves`, leaves, root, proofs })
}
