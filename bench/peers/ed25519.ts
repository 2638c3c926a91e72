// The limit for checking signatures: the bare Ed25519 checks of one chain in a loop, on one thread. `ed25519.ts SECONDS`
// prints chains per second.
import { createPublicKey, verify } from "node:crypto"
import { agentAt, benchSigner, usualChain } from "../load/chains.js"

const seconds = Number(process.argv[2])
const signed: [payload: Uint8Array, signature: Uint8Array][] = []
const signer = benchSigner()
await usualChain(agentAt(0), {
  ...signer,
  sign: async (payload) => {
    const signature = await signer.sign(payload)
    signed.push([payload, signature])
    return signature
  },
})
const key = createPublicKey({
  key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(signer.publicKey, "base64").toString("base64url") },
  format: "jwk",
})
let chains = 0
let begin = performance.now()
const end = begin + seconds * 1000
for (let warm = true; performance.now() < end; chains++) {
  for (const [payload, signature] of signed)
    if (!verify(null, payload, key, signature)) throw new Error("a valid signature did not verify")
  if (warm && performance.now() - begin > (seconds * 1000) / 4) {
    warm = false
    begin = performance.now()
    chains = 0
  }
}
process.stdout.write(
  JSON.stringify({ perSecond: (chains * 1000) / (performance.now() - begin), checks: signed.length }),
)
