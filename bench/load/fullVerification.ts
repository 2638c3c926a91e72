// Runs VerifyTrust at FULL in a loop, without transport and store, on one thread. `fullVerification.ts ROOT SECONDS` prints
// verdicts per second, with the `eatp` package of that checkout.
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type * as eatp from "@trust-registry/eatp"
import { AUTHORITY, agentAt, benchSigner, usualChain } from "./chains.js"

const [root = "", seconds = ""] = process.argv.slice(2)
const { verifyTrust } = (await import(pathToFileURL(join(root, "eatp/dist/index.js")).href)) as typeof eatp
const agentId = agentAt(0)
const chain = await usualChain(agentId)
const input: eatp.TrustInput = {
  request: { agentId, action: "read_ledger", level: "full" },
  nowMicros: BigInt(Date.now()) * 1000n,
  chains: new Map([[agentId, { chain, active: true }]]),
  authorities: new Map([[AUTHORITY, { id: AUTHORITY, keys: [{ publicKey: benchSigner().publicKey }] }]]),
}
const length = Number(seconds) * 1000
let verdicts = 0
let begin = performance.now()
const end = begin + length
for (let warm = true; performance.now() < end; verdicts++) {
  const { valid } = await verifyTrust(input)
  if (!valid) throw new Error("a valid chain was denied")
  if (warm && performance.now() - begin > length / 4) {
    warm = false
    begin = performance.now()
    verdicts = 0
  }
}
process.stdout.write(JSON.stringify({ perSecond: (verdicts * 1000) / (performance.now() - begin) }))
