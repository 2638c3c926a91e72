// An authority creates chains with its own key. The registry verifies them, and so can anyone with its public key.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import {
  AuthorityType,
  audit,
  CapabilityType,
  connect,
  delegate,
  establish,
  generateKeyPair,
  MakeError,
  makerOf,
  memorySigner,
  SignatureStatus,
  type TrustLineageChain,
  trustAuthority,
  usualPermissions,
  VerificationLevel,
} from "@trust-registry/client"
import { cleanUp } from "./cleanUp.js"

const registry = connect(process.env.TRUST_REGISTRY_ADDRESS ?? "127.0.0.1:50051")
const run = `example-making-${randomUUID()}`
const [authorityId, analyst, helper] = [`${run}-org`, `${run}-analyst`, `${run}-helper`]
const end = cleanUp(registry, run, [authorityId])
const authorityType = AuthorityType.ORGANIZATION

// The private key stays here; the registry gets the public key.
const { privateKey, publicKey } = generateKeyPair()
const authority = {
  id: authorityId,
  name: "Example Inc.",
  authorityType,
  keys: [{ keyId: "1", publicKey }],
  permissions: usualPermissions(),
}
await registry.registerAuthority({ authority })

// Creating a record requires the authorities and the chains that it builds on.
const known = {
  authorities: new Map([[authorityId, trustAuthority(authority)]]),
  chains: new Map<string, { chain: TrustLineageChain; active: boolean }>(),
}
const maker = makerOf(memorySigner(privateKey))

async function store(agentId: string, chain: TrustLineageChain) {
  known.chains.set(agentId, { chain, active: true })
  const { record } = await registry.storeChain({ chain })
  assert.equal(record?.signatureStatus, SignatureStatus.VERIFIED)
  console.log(`stored ${agentId}, every signature verified`)
}

const capabilities = [
  { capability: "read_data", capabilityType: CapabilityType.ACCESS, constraints: ["max_api_calls=100"] },
]
await store(analyst, await establish({ agentId: analyst, authorityId, authorityType, capabilities }, maker))

const delegation = {
  delegatorId: analyst,
  delegateeId: helper,
  taskId: "task-1",
  capabilities: ["read_data"],
}
await store(helper, await delegate({ ...delegation, constraints: ["max_api_calls=10"] }, known, maker))
await store(helper, await audit({ agentId: helper, action: "read_data", resource: "ledger" }, known, maker))

const answer = await registry.verifyTrust({
  agentId: helper,
  action: "read_data",
  level: VerificationLevel.FULL,
})
assert(answer.valid)
console.log(`${helper} may read_data, with the constraints ${answer.effectiveConstraints.join(", ")}`)

// What breaks a rule is never signed.
await assert.rejects(
  delegate({ ...delegation, constraints: ["max_api_calls=1000"] }, known, maker),
  (error) => {
    assert(error instanceof MakeError)
    assert.equal(error.code, "LOOSER_CONSTRAINTS")
    console.log(`refused: ${error.message}`)
    return true
  },
)

await end()
