import {
  type Json,
  JsonNumber,
  type JsonObject,
  type MerkleStep,
  merkleProof,
  merkleRoot,
  verifyMerkleProof,
} from "@trust-registry/eatp"
import { type Checker, judge, nameOf, objectsAt, same, textAt } from "./vectors.js"

/** merkle.json: roots and proofs of EATP's Merkle tree. */
export const merkle: Checker = function* (file) {
  for (const [index, vector] of objectsAt(file, "cases").entries()) {
    yield judge(nameOf(vector, index), () => check(vector))
  }
}

function check(vector: JsonObject): void {
  const leaves = vector.get("leaves") as string[]
  same("root", merkleRoot(leaves) ?? null, vector.get("root"))
  for (const proof of objectsAt(vector, "proofs")) checkProof(leaves, proof)
}

function checkProof(leaves: string[], proof: JsonObject): void {
  const index = integerOf(proof.get("leaf_index"))
  const steps = objectsAt(proof, "proof_hashes").map((step) => ({
    hash: textAt(step, "hash"),
    position: textAt(step, "position") as MerkleStep["position"],
  }))
  same("proof", JSON.stringify(merkleProof(leaves, index)), JSON.stringify(steps))
  const leaf = textAt(proof, "leaf_hash")
  same("leaf", leaves[index], leaf)
  same("verifies", verifyMerkleProof(leaf, steps, textAt(proof, "root_hash")), proof.get("verifies"))
  same("tree_size", leaves.length, integerOf(proof.get("tree_size")))
}

function integerOf(value: Json | undefined): number {
  return value instanceof JsonNumber ? Number(value.text) : Number.NaN
}
