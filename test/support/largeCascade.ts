import type { MessageInitShape } from "@bufbuild/protobuf"
import { usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityService,
  AuthorityType,
  RevocationService,
  type TrustLineageChainSchema,
  TrustStoreService,
  TrustVerificationService,
} from "@trust-registry/proto"
import { type connectTo, detailsOf, failureOf } from "./calls.js"
import type { TestRegistry } from "./server.js"
import { signerOf, trustWorld } from "./trustWorld.js"
import { until } from "./until.js"

const STEP_LOCK = "7166746355081732688"
const STRONG = { requirement: { case: "strong", value: true } } as const

/** What {@link cascadeTools}' `asked` gives where every question is allowed, or denied. */
export const [ALLOWED, DENIED] = [Array(4).fill(true), Array(4).fill(false)]

/** What tests of large cascades share. */
export function cascadeTools(registry: TestRegistry, line: ReturnType<typeof connectTo>) {
  const chains = () => line.calls(TrustStoreService)
  const revocations = () => line.calls(RevocationService)
  const store = (chain: MessageInitShape<typeof TrustLineageChainSchema>) => chains().storeChain({ chain })
  const reasonOf = async (call: Promise<unknown>) => detailsOf(await failureOf(call)).info?.reason
  const statusOf = async (agentId: string) =>
    (await chains().getChain({ agentId, includeInactive: true, consistency: STRONG })).stored?.record?.status
  /** Rows as no server writes them: agents that `delegator`, an expression over n, delegated to. */
  const byHand = (prefix: string, count: number, delegator: string, bytes = 100) =>
    registry.sql.unsafe(`
      insert into trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash)
      select '${prefix}-' || n, 0, 'org', jsonb_build_object('genesis', jsonb_build_object('agent_id', '${prefix}-' || n),
        'capabilities', jsonb_build_array(jsonb_build_object('id', 'c-' || n, 'capability', 'read_data')),
        'delegations', jsonb_build_array(jsonb_build_object('id', 'd-' || n, 'delegator_id', ${delegator},
          'capabilities_delegated', jsonb_build_array('read_data')))), ${bytes}, 'x', 'x'
      from generate_series(1, ${count}) n`)
  /** Keeps the servers from working on cascades, until `release`. */
  const hold = async () => {
    const session = await registry.sql.reserve()
    await session`select pg_advisory_lock(${STEP_LOCK})`
    return {
      step: async (most: number) =>
        (await session<{ did: string }[]>`select did from trust_cascade_step(${most}, 1000000)`)[0]?.did,
      release: async () => {
        await session`select pg_advisory_unlock(${STEP_LOCK})`
        session.release()
      },
    }
  }
  const pendingRows = async () => {
    const [row] = await registry.sql`
      select (select count(*)::int from trust_cascades) as cascades, (select count(*)::int from trust_cascade_records) as records`
    return row
  }
  const completed = () => until("the cascade is complete", async () => (await pendingRows())?.cascades === 0)
  /** root, below it boss, below it staff, all signed, and 1,200 more below `wide`. */
  const tree = async (wide: "root" | "boss") => {
    const keys = [{ keyId: "1", publicKey: signerOf("org-a").publicKey }]
    const authority = {
      id: "org-a",
      name: "org-a",
      authorityType: AuthorityType.ORGANIZATION,
      keys,
      permissions: usualPermissions(),
    }
    await line.calls(AuthorityService).registerAuthority({ authority })
    const world = trustWorld()
    const grant = [{ capability: "read_data", capabilityType: 1 as const }]
    await store(await world.establish("root", { capabilities: grant }))
    await store(await world.delegate("root", "boss", { capabilities: ["read_data"] }))
    await store(await world.delegate("boss", "staff", { capabilities: ["read_data"] }))
    await byHand("many", 1_200, `'${wide}'`)
    return world
  }
  /** Whether an agent is allowed: by VerifyTrust at QUICK, STANDARD and FULL, and by CheckAuthority. */
  const asked = async (agentId: string, revision?: bigint) => {
    const consistency =
      revision === undefined ? STRONG : ({ requirement: { case: "atRevision", value: revision } } as const)
    const { verifyTrust, checkAuthority } = line.calls(TrustVerificationService)
    const question = { agentId, action: "read_data", consistency }
    const verdicts = ([1, 2, 3] as const).map(
      async (level) => (await verifyTrust({ ...question, level })).valid,
    )
    return await Promise.all([...verdicts, checkAuthority(question).then(({ authorized }) => authorized)])
  }
  /** The records of a revocation, page by page, each as what it descends from and whose it is. */
  const listed = async (revocationId: string) => {
    const found = new Set<string>()
    for (let pageToken = "", pages = 0; pages === 0 || pageToken; pages++) {
      const page = await revocations().listRevokedRecords({ revocationId, pageSize: 500, pageToken })
      for (const { agentId, descendsFrom } of page.records) found.add(`${descendsFrom ?? ""}>${agentId}`)
      pageToken = page.nextPageToken
    }
    return found
  }
  /** The agents that a watch from a revision tells of, as soon as it told of so many. */
  const watched = async (startRevision: bigint, count: number) => {
    const found = new Set<string>()
    const filter = { includeInactive: true }
    for await (const { events } of chains().watchChains({ startRevision, filter })) {
      for (const { kind } of events)
        if (kind.case === "changed") found.add(kind.value.stored?.record?.agentId ?? "")
      if (found.size >= count) break
    }
    return found
  }
  const establishFree = async (agentId: string) =>
    store(
      await trustWorld().establish(agentId, {
        capabilities: [{ capability: "read_data", capabilityType: 1 }],
      }),
    )
  const tools = { store, reasonOf, statusOf, byHand, hold, pendingRows, completed }
  return { ...tools, tree, asked, listed, watched, establishFree }
}
