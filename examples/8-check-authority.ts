// Who gave this agent its permission? The response names every record on the path, now and at a past time.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import {
  type AuthorityPathRecord,
  AuthorityPathRecordKindSchema,
  AuthorityType,
  CapabilityType,
  connect,
  DenialReason,
  delegate,
  establish,
  generateKeyPair,
  makerOf,
  memorySigner,
  type TrustLineageChain,
  trustAuthority,
  usualPermissions,
} from "@trust-registry/client"
import { cleanUp } from "./cleanUp.js"

const registry = connect(process.env.TRUST_REGISTRY_ADDRESS ?? "127.0.0.1:50051")
const run = `example-authority-${randomUUID()}`
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

// The lead delegates to the analyst, and the analyst to the helper.
const known = {
  authorities: new Map([[authorityId, trustAuthority(authority)]]),
  chains: new Map<string, { chain: TrustLineageChain; active: boolean }>(),
}
const maker = makerOf(memorySigner(privateKey))

async function store(agentId: string, chain: TrustLineageChain) {
  known.chains.set(agentId, { chain, active: true })
  const { record } = await registry.storeChain({ chain })
  assert(record?.updatedAt)
  return record.updatedAt
}
const capabilities = [{ capability: "read_data", capabilityType: CapabilityType.ACCESS }]
await store(lead, await establish({ agentId: lead, authorityId, authorityType, capabilities }, maker))
const delegation = { taskId: "report", capabilities: ["read_data"] }
await store(analyst, await delegate({ ...delegation, delegatorId: lead, delegateeId: analyst }, known, maker))
const validAt = await store(
  helper,
  await delegate({ ...delegation, delegatorId: analyst, delegateeId: helper }, known, maker),
)

function printRecord({ kind, id, agentId, holds, detail }: AuthorityPathRecord) {
  const what = AuthorityPathRecordKindSchema.value[kind]?.localName.toLowerCase()
  console.log(`  ${what} ${id} ${agentId}${holds ? "" : ` <- ${detail}`}`)
}

const question = { authorityId, agentId: helper, action: "read_data" }
const allowed = await registry.checkAuthority(question)
assert(allowed.authorized)
assert.equal(allowed.path.length, 7)
console.log("allowed, by")
allowed.path.forEach(printRecord)

// Without the chain at the top the delegations are void. Strong reads reflect that at once, in every process.
await registry.deleteChain({ agentId: lead })
const denied = await registry.checkAuthority({
  ...question,
  consistency: { requirement: { case: "strong", value: true } },
})
assert(!denied.authorized)
assert.equal(denied.reason, DenialReason.DELEGATOR_INACTIVE)
console.log(`denied: ${denied.reasonText}; the path is broken at`)
denied.path.filter(({ holds }) => !holds).forEach(printRecord)

// History knows the past state.
const then = await registry.checkAuthority({ ...question, validAt })
assert(then.authorized)
console.log("it was allowed when it was delegated")

await end()
