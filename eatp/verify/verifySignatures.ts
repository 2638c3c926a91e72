import { verifyTextAside } from "../signing/ed25519.js"
import { inTurns, slicesOf } from "../turns/turns.js"
import type { ChainSignature, Claim } from "./chainSignatures.js"

// How many are verified at once. The payloads of a slice are built on this thread, which takes about a millisecond.
const SLICE = 32

/**
 * Verifies signatures concurrently on libuv's threads and sets the outcome of each. Does not verify again what has an
 * outcome, nor what has no known signer. Works in slices with a turn of the event loop between them: a chain of the
 * largest size has some 4,000 signatures, which would block the loop for a third of a second.
 */
export async function verifySignatures(signatures: Iterable<ChainSignature>): Promise<void> {
  for await (const slice of slicesOf(signatures, SLICE)) await Promise.all([...new Set(slice)].map(verifyOne))
}

async function verifyOne(signature: ChainSignature): Promise<void> {
  const { signer, outcome } = signature
  if (signer === undefined || outcome !== undefined) return
  const built = inTurns(signature.claim(signer))
  const claim = built instanceof Promise ? await built : built
  if (typeof claim === "string" || claim instanceof Error) signature.outcome = claim
  else signature.outcome = (await verifiesWithAny(claim)) ? "valid" : "invalid"
}

async function verifiesWithAny({ signature, text, keys }: Claim): Promise<boolean> {
  for (const { publicKey } of keys) if (await verifyTextAside(text, signature, publicKey)) return true
  return false
}
