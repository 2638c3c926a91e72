// Revoking an agent also revokes every agent it delegated to. Only a suspension can be lifted.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import {
  AuthorityType,
  CapabilityType,
  connect,
  DenialReason,
  delegate,
  establish,
  generateKeyPair,
  makerOf,
  memorySigner,
  RevocationFinalError,
  RevocationMode,
  TrustChainRevokedError,
  type TrustLineageChain,
  trustAuthority,
  usualPermissions,
} from "@trust-registry/client"
import { cleanUp } from "./cleanUp.js"

const registry = connect(process.env.TRUST_REGISTRY_ADDRESS ?? "127.0.0.1:50051")
const run = `example-revoking-${randomUUID()}`
const authorityId = `${run}-org`
const [lead, analyst, helper] = [`${run}-lead`, `${run}-analyst`, `${run}-helper`]
const end = cleanUp(registry, run, [authorityId])
const authorityType = AuthorityType.ORGANIZATION
const { privateKey, publicKey } = generateKeyPair()
const authority = {
  id: authorityId,
  name: "Example Inc.",
  authorityType,
  keys: [{ keyId: "1", publicKey }],
  permissions: usualPermissions(),
}
await registry.registerAuthority({ authority })

const known = {
  authorities: new Map([[authorityId, trustAuthority(authority)]]),
  chains: new Map<string, { chain: TrustLineageChain; active: boolean }>(),
}
const maker = makerOf(memorySigner(privateKey))

async function store(agentId: string, chain: TrustLineageChain) {
  known.chains.set(agentId, { chain, active: true })
  await registry.storeChain({ chain })
}

async function check(agentId: string) {
  const { valid, reason, reasonText } = await registry.verifyTrust({ agentId, action: "read_data" })
  console.log(`  ${agentId}: ${valid ? "allowed" : `denied, ${reasonText}`}`)
  assert(valid || reason === DenialReason.REVOKED)
  return valid
}

// The lead delegates to the analyst, and the analyst to the helper.
const capabilities = [{ capability: "read_data", capabilityType: CapabilityType.ACCESS }]
await store(lead, await establish({ agentId: lead, authorityId, authorityType, capabilities }, maker))
for (const [delegatorId, delegateeId] of [
  [lead, analyst],
  [analyst, helper],
] as const) {
  const delegation = { delegatorId, delegateeId, taskId: "task-1", capabilities: ["read_data"] }
  await store(delegateeId, await delegate(delegation, known, maker))
}
console.log("three agents, each with a delegation from the one before:")
for (const agentId of [lead, analyst, helper]) assert(await check(agentId))

const { revocation: suspension } = await registry.revokeAgent({
  agentId: analyst,
  mode: RevocationMode.SUSPEND,
  reason: "it called at night",
})
assert(suspension)
for (const { agentId, descendsFrom } of suspension.records)
  console.log(`suspended ${agentId}${descendsFrom ? `, which has a delegation from ${descendsFrom}` : ""}`)
assert(await check(lead))
assert.equal(await check(analyst), false)
assert.equal(await check(helper), false)

await registry.liftSuspension({ revocationId: suspension.revocationId })
console.log("lifted:")
for (const agentId of [lead, analyst, helper]) assert(await check(agentId))

// Final: not even a new chain signed by the authority brings the agent back under this id.
const { revocation } = await registry.revokeAgent({ agentId: lead, reason: "its key was stolen" })
assert.equal(revocation?.recordCount, 3n)
console.log("revoked:")
for (const agentId of [lead, analyst, helper]) assert.equal(await check(agentId), false)
const again = await establish({ agentId: lead, authorityId, authorityType, capabilities }, maker)
await assert.rejects(registry.storeChain({ chain: again }), TrustChainRevokedError)
await assert.rejects(registry.liftSuspension({ revocationId: revocation.revocationId }), RevocationFinalError)

console.log("revocations of the helper in effect:")
for await (const { reason, descendsFrom } of registry.listRevokedRecords({
  agentId: helper,
  standingOnly: true,
}))
  console.log(`  descends from ${descendsFrom}: ${reason}`)

await end()
