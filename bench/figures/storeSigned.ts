import { join } from "node:path"
import { connect, SignatureStatus } from "@trust-registry/client"
import { usualPermissions } from "@trust-registry/eatp"
import { AuthorityType, decode, StoreChainResponseSchema } from "@trust-registry/proto"
import type { Figure } from "../figure.js"
import { bareCall } from "../load/bareCall.js"
import { writeBodies } from "../load/bodies.js"
import { AUTHORITY, agentAt, benchSigner, usualChain } from "../load/chains.js"
import { drive, rateOf } from "../load/job.js"
import { loop } from "../load/loop.js"
import { STORE_CHAIN, storeChain } from "../load/registryCalls.js"
import { inTurn } from "../rounds.js"

const AGENTS = 2_000

/** Durable writes with every signature verified, against the verification alone. */
export const storeSigned: Figure = {
  name: "store-signed",
  title: "StoreChain, every signature checked",
  ratios: [{ of: "64 in flight", to: "bare Ed25519 checks, one thread", least: 0.5 }],
  async run(lab) {
    const { address } = await lab.registry({ database: await lab.database() })
    await register(address)
    const chains = await Promise.all(Array.from({ length: AGENTS }, (_, index) => usualChain(agentAt(index))))
    const requests = chains.map(storeChain)
    await assureVerified(address, requests[0] as Uint8Array)
    const bodies = await writeBodies(join(lab.folder, "store"), requests)
    const job = { address, path: STORE_CHAIN, bodies, connections: 4, inFlight: 64 }
    return await inTurn(lab, [
      {
        name: "64 in flight",
        unit: "chains/s",
        measure: async () => rateOf(await drive({ ...job, ...lab.times })),
      },
      {
        name: "bare Ed25519 checks, one thread",
        unit: "chains/s",
        measure: () => loop("peers/ed25519.ts", [String(lab.times.seconds)]),
      },
    ])
  },
}

async function register(address: string) {
  const registry = connect(address)
  const keys = [{ keyId: "first", publicKey: benchSigner().publicKey }]
  const authority = {
    id: AUTHORITY,
    name: "Bench",
    authorityType: AuthorityType.ORGANIZATION,
    keys,
    permissions: usualPermissions(),
  }
  await registry.registerAuthority({ authority }).finally(() => registry.close())
}

/** Guards against measuring unverified chains, which would also be stored, and faster. */
async function assureVerified(address: string, request: Uint8Array) {
  const { record } = decode(StoreChainResponseSchema, await bareCall(address, STORE_CHAIN, request))
  if (record?.signatureStatus !== SignatureStatus.VERIFIED) throw new Error("the signatures were not checked")
}
