/**
 * What is wrong with a policy of several signers (EATP 5.3, MultiSigSigningPolicy), in the reference implementation's
 * words; undefined if nothing is. Signers are 32 bytes in hex. A threshold that is not an integer is given as the name
 * of its Python type.
 */
export function checkPolicy(threshold: bigint | string, signers: readonly string[]): string | undefined {
  if (typeof threshold === "string") return `multi_sig threshold must be an int, got ${threshold}`
  if (signers.length === 0) return "multi-sig policy requires at least one signer"
  if (threshold < 1n) return `multi-sig threshold (${threshold}) must be at least 1`
  if (!signers.every((signer) => /^[0-9a-fA-F]{64}$/.test(signer))) {
    return "each multi-sig authorized signer MUST be 32 raw bytes (Ed25519 public key)"
  }
  const distinct = new Set(signers.map((signer) => signer.toLowerCase())).size
  if (distinct < signers.length) {
    return (
      "multi-sig authorized_signers MUST be distinct; duplicate signer keys weaken the M-of-N quorum and diverge " +
      "cross-SDK"
    )
  }
  if (threshold > BigInt(distinct)) {
    return `multi-sig threshold (${threshold}) cannot exceed the number of distinct signers (${distinct})`
  }
  return undefined
}
