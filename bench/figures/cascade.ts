import { randomUUID } from "node:crypto"
import { setTimeout as delay } from "node:timers/promises"
import { connect, generateKeyPair, type TrustRegistry, usualPermissions } from "@trust-registry/client"
import { AuthorityType, VerificationLevel } from "@trust-registry/proto"
import type { Figure } from "../figure.js"
import type { BenchDatabase, Lab, Registry } from "../lab.js"
import { smallChain } from "../load/chains.js"
import { migrate } from "../stock.js"

const AGENTS = 100_000
/** Each agent delegated to as many. */
const FAN_OUT = 10
/** TRUST_REGISTRY_CACHE_MAX_AGE_MS, the bound of reads that ask for no consistency. */
const DENIED_MS = 2_000
const ROWS_MS = 60_000
const WAIT_MS = 500

/** The revocation of an agent with a hundred thousand descendants, and what others notice of it. */
export const cascade: Figure = {
  name: "cascade",
  title: `RevokeAgent of an agent with ${AGENTS} descendants`,
  ratios: [
    { of: "denied on another server", to: `limit of ${DENIED_MS} ms`, most: 1 },
    { of: "all records revoked", to: `limit of ${ROWS_MS} ms`, most: 1 },
    { of: "longest StoreChain meanwhile", to: `limit of ${WAIT_MS} ms`, most: 1 },
  ],
  async run(lab) {
    const stocked = await lab.database()
    await migrate(lab.root, stocked)
    await stockTree(stocked)
    const rounds: Round[] = []
    for (let round = 0; round < lab.rounds; round++) {
      rounds.push(await measured(lab, await lab.database(stocked.name)))
      lab.say(`  ${JSON.stringify(rounds.at(-1))}`)
    }
    const side = (name: string, of: (round: Round) => number) =>
      ({ name, unit: "ms", values: rounds.map(of) }) as const
    const limits = [DENIED_MS, ROWS_MS, WAIT_MS].map((limit) => side(`limit of ${limit} ms`, () => limit))
    return {
      measured: [
        side("answered", ({ answered }) => answered),
        side("denied on another server", ({ denied }) => denied),
        side("all records revoked", ({ done }) => done),
        side("longest StoreChain meanwhile", ({ longest }) => longest),
        ...limits,
      ],
      notes: [
        "from the call on, for the other server from the answer on; that has memory of a leaf, six levels below, and is asked without consistency",
        `one caller stores a chain of its own, again and again; of both, with each record as a call: ${rounds[0]?.cost}`,
      ],
    }
  },
}

/** In milliseconds from the call on. */
interface Round {
  readonly cost: string
  readonly answered: number
  readonly denied: number
  readonly done: number
  readonly longest: number
}

async function measured(lab: Lab, database: BenchDatabase): Promise<Round> {
  const servers = [await lab.registry({ database }), await lab.registry({ database })]
  const [registry, other] = servers.map(({ address }) => connect(address)) as [TrustRegistry, TrustRegistry]
  const leaf = { agentId: `agent-${AGENTS}`, action: "read", level: VerificationLevel.QUICK }
  const keys = [{ keyId: "1", publicKey: generateKeyPair().publicKey }]
  const authority = {
    id: "org-bench",
    name: "Bench",
    authorityType: AuthorityType.ORGANIZATION,
    keys,
    permissions: usualPermissions(),
  }
  await registry.registerAuthority({ authority })
  const first = await other.verifyTrust({
    ...leaf,
    consistency: { requirement: { case: "strong", value: true } },
  })
  if (!first.valid) throw new Error(`the leaf is denied before: ${first.reasonText}`)
  const began = performance.now()
  const since = () => performance.now() - began
  const writes = writing(registry)
  await registry.revokeAgent({ agentId: "agent-0", requestId: randomUUID() })
  const answered = since()
  while ((await other.verifyTrust(leaf)).valid) await delay(5)
  const denied = since() - answered
  const cost = await lab.cost(servers[0] as Registry, async () => {
    await database.withSql(async (sql) => {
      while ((await sql`select from trust_cascades limit 1`).length > 0) await delay(100)
    })
    return AGENTS
  })
  const done = since()
  const longest = await writes.end()
  for (const connection of [registry, other]) connection.close()
  for (const server of servers) await server.end()
  return { cost, answered, denied, done, longest }
}

/** Stores a chain until it is ended; gives the longest time that one write took, in milliseconds. */
function writing(registry: TrustRegistry): { end(): Promise<number> } {
  let ended = false
  const write = async () => {
    const chain = await smallChain("other-agent")
    let longest = 0
    while (!ended) {
      const began = performance.now()
      // One that fails has waited all the same.
      await registry.storeChain({ chain }).catch(() => undefined)
      longest = Math.max(longest, performance.now() - began)
      await delay(10)
    }
    return longest
  }
  const written = write()
  return {
    end: async () => {
      ended = true
      return await written
    },
  }
}

/** A tree in which each agent has a capability, delegated by the one above it. */
async function stockTree(database: BenchDatabase): Promise<void> {
  await database.withSql(async (sql) => {
    await sql`
      insert into trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash, updated_by)
      select 'agent-' || n, 0, 'org-bench', jsonb_build_object(
          'genesis', jsonb_build_object('id', 'g', 'agent_id', 'agent-' || n, 'authority_id', 'org-bench',
            'created_at', '2026-01-01T00:00:00+00:00', 'signature', repeat(md5(n::text), 2)),
          'capabilities', jsonb_build_array(jsonb_build_object('id', 'c', 'capability', 'read', 'attester_id', 'org-bench',
            'attested_at', '2026-01-01T00:00:00+00:00', 'signature', repeat(md5(n::text), 2))),
          'delegations', case when n = 0 then '[]' else jsonb_build_array(jsonb_build_object('id', 'd',
            'delegator_id', 'agent-' || n / ${FAN_OUT}::integer, 'delegatee_id', 'agent-' || n, 'capabilities_delegated',
            jsonb_build_array('read'), 'delegated_at', '2026-01-01T00:00:00+00:00',
            'signature', repeat(md5(n::text), 2))) end),
        1000, 'x', 'x', 'bench'
      from generate_series(0, ${AGENTS}::integer) n`
    await sql`vacuum analyze trust_chains`
  })
}
