import { createHash } from "node:crypto"
import {
  type Delegation,
  delegate,
  type Establishment,
  establish,
  isoFromMicros,
  type Known,
  type Maker,
  type MemorySigner,
  memorySigner,
  type StoredTrust,
  type TrustAuthority,
  type TrustInput,
  type TrustLevel,
  type TrustVerdict,
  verifyTrust,
} from "@trust-registry/eatp"
import { AuthorityType, CapabilityType, type TrustLineageChain } from "@trust-registry/proto"

/** The current time in test worlds: noon of a working day, in microseconds since 1970 UTC. */
export const NOW = BigInt(Date.UTC(2026, 8, 1, 12)) * 1000n

/** Formats the time `count` days after {@link NOW}. */
export function days(count: number): string {
  return isoFromMicros(NOW + BigInt(count) * 86_400_000_000n)
}

/** Chains with the authorities that signed them. Keys derive from the authorities' names. */
export type World = Known & {
  chains: Map<string, StoredTrust>
  authorities: Map<string, TrustAuthority>
  /** Returns a maker that signs for an authority. */
  maker(authorityId?: string): Maker & { signer: MemorySigner }
  /** Stores an active chain. */
  keep(chain: TrustLineageChain): TrustLineageChain
  establish(agentId: string, changes?: Partial<Establishment>): Promise<TrustLineageChain>
  delegate(
    delegatorId: string,
    delegateeId: string,
    changes?: Partial<Delegation>,
  ): Promise<TrustLineageChain>
  verify(
    agentId: string,
    level?: TrustLevel,
    changes?: Partial<TrustInput>,
    action?: string,
  ): Promise<TrustVerdict>
}

/** Returns the signer of an authority, whose seed is the hash of its name. */
export function signerOf(authorityId: string): MemorySigner {
  return memorySigner(createHash("sha256").update(`seed of ${authorityId}`).digest("base64"))
}

/** Creates an empty world with the authorities org-a and org-b at the given time, in microseconds since 1970 UTC. */
export function trustWorld(nowMicros = NOW): World {
  const chains = new Map<string, StoredTrust>()
  const authorities = new Map<string, TrustAuthority>()
  for (const id of ["org-a", "org-b"])
    authorities.set(id, { id, keys: [{ publicKey: signerOf(id).publicKey }] })
  let last = 0
  const maker = (authorityId = "org-a") => ({
    signer: signerOf(authorityId),
    nowMicros,
    newId: (kind: string) => `${kind}-${++last}`,
  })
  const world: World = {
    chains,
    authorities,
    maker,
    keep(chain) {
      chains.set(chain.genesis?.agentId ?? "", { chain, active: true })
      return chain
    },
    async establish(agentId, changes = {}) {
      const agent: Establishment = {
        agentId,
        authorityId: "org-a",
        authorityType: AuthorityType.ORGANIZATION,
        capabilities: [{ capability: "read_data", capabilityType: CapabilityType.ACCESS }],
        ...changes,
      }
      return world.keep(await establish(agent, maker(agent.authorityId), world))
    },
    async delegate(delegatorId, delegateeId, changes = {}) {
      const delegation: Delegation = {
        delegatorId,
        delegateeId,
        taskId: "task-1",
        capabilities: ["read_data"],
        ...changes,
      }
      const authorityOf = (agentId: string) => chains.get(agentId)?.chain.genesis?.authorityId
      const owner = signerOf(authorityOf(delegateeId) ?? authorityOf(delegatorId) ?? "org-a")
      return world.keep(await delegate(delegation, world, maker(authorityOf(delegatorId)), owner))
    },
    verify: (agentId, level = "full", changes = {}, action = "read_data") =>
      verifyTrust({ request: { agentId, action, level }, nowMicros, chains, authorities, ...changes }),
  }
  return world
}
