import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf"
import {
  AuthorityProof,
  AuthorityService,
  ChainStatus,
  type GetAuthorityResponse,
  GetAuthorityResponseSchema,
  GetChainResponseSchema,
  ListChainRevisionsResponseSchema,
  ListRevokedRecordsResponseSchema,
  RevocationService,
  TrustLineageChainSchema,
  TrustStoreService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo } from "../support/calls.js"
import type { FreshDatabase } from "../support/postgres.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { validateWatch } from "../support/watchValidator.js"
import { AGENTS, PURGED, REQUEST_ID } from "./fixture.js"

/** Everything that callers can read of a registry that {@link fillRegistry} filled, as JSON. */
export type State = Readonly<Record<string, JsonValue>>

/** Reads the state of the registry at an address. */
export async function stateOf(address: string): Promise<State> {
  const line = connectTo(address)
  const chains = line.calls(TrustStoreService)
  const found = await Promise.all(
    AGENTS.map(async (agentId) => await chains.getChain({ agentId, includeInactive: true })),
  )
  const checks = await Promise.all(AGENTS.map((agentId) => chains.verifyChainIntegrity({ agentId })))
  const histories = await Promise.all(
    [...AGENTS, PURGED].map((agentId) => chains.listChainRevisions({ agentId })),
  )
  const authorities = ["org-a", "org-child"].map((authorityId) =>
    line.calls(AuthorityService).getAuthority({ authorityId }),
  )
  const revoked = await line.calls(RevocationService).listRevokedRecords({})
  const root = found[0]?.stored
  const state = {
    chains: found.map((response) => toJson(GetChainResponseSchema, response)),
    sound: checks.map(({ verified }) => verified),
    histories: histories.map((response) => toJson(ListChainRevisionsResponseSchema, response)),
    authorities: (await Promise.all(authorities)).map(asRecorded),
    revoked: toJson(ListRevokedRecordsResponseSchema, revoked),
    rootChain: root?.chain ? toJson(TrustLineageChainSchema, root.chain) : null,
    rootRevision: String(root?.record?.revision),
    newest: String(revoked.records[0]?.revision),
  }
  line.close()
  return state
}

/** Without what records tell since 0.3 only. */
function asRecorded(answer: GetAuthorityResponse): JsonValue {
  const { record } = answer.stored ?? {}
  if (record) Object.assign(record, { proof: AuthorityProof.UNSPECIFIED, documentHash: "" })
  return toJson(GetAuthorityResponseSchema, answer)
}

/** Serves a database that holds what another held in that state: reads return the same, retries replay, and changes go on. */
export async function servesAsBefore(target: FreshDatabase, expected: State): Promise<void> {
  const registry = await startRegistry({}, target)
  const line = connectTo(registry.address)
  const chains = line.calls(TrustStoreService)
  try {
    expect(await stateOf(registry.address)).to.deep.equal(expected)
    const watch = validateWatch((request, signal) => chains.watchChains(request, { signal }), {
      startRevision: 1n,
      filter: { includeInactive: true },
    })
    const chain = fromJson(TrustLineageChainSchema, expected.rootChain ?? null)
    const again = await chains.storeChain({ chain, requestId: REQUEST_ID })
    expect(String(again.record?.revision)).to.equal(expected.rootRevision)
    const { record } = await chains.storeChain({ chain: sampleChain("new") })
    expect(Number(record?.revision)).to.be.above(Number(expected.newest))
    const { revocation } = await line.calls(RevocationService).revokeAgent({ agentId: "root" })
    expect(revocation?.records.map(({ agentId }) => agentId)).to.deep.equal(["root", "leaf", "mid"])
    await changeByHand(registry)
    const { stored } = await chains.getChain({ agentId: "new", includeInactive: true, ...STRONG })
    expect(stored?.record?.status).to.equal(ChainStatus.DELETED)
    await watch.reachesHead(registry.sql)
    await watch.agreesWith(registry.sql)
    await watch.stop()
  } finally {
    line.close()
    await registry.stop()
  }
}

const STRONG = { consistency: { requirement: { case: "strong", value: true } } } as const

/** Triggers find our tables, whatever the search path of the session is. */
async function changeByHand({ sql }: TestRegistry) {
  const [place] = await sql<{ schema: string }[]>`select current_schema() as schema`
  await sql.begin(async (transaction) => {
    await transaction`set local search_path = ''`
    await transaction`update ${sql(place?.schema ?? "")}.trust_chains set is_active = false where agent_id = 'new'`
  })
}
