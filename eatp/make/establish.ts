import { create } from "@bufbuild/protobuf"
import {
  AuthorityPermission,
  type AuthorityType,
  type GenesisRecord,
  GenesisRecordSchema,
  type TrustLineageChain,
} from "@trust-registry/proto"
import { signText } from "../signing/ed25519.js"
import { genesisPayload } from "../signing/recordPayload.js"
import { attestCapability, type CapabilityGrant } from "./capability.js"
import { assureMayIssue } from "./issuer.js"
import { MakeError } from "./makeError.js"
import { checkExpiry, earliest, type Known, type Maker, nowText } from "./maker.js"
import { sealed } from "./sealed.js"

/** An agent to establish. */
export type Establishment = {
  agentId: string
  authorityId: string
  authorityType: AuthorityType
  capabilities: readonly CapabilityGrant[]
  /** Constraints that every capability gets, after its own. */
  constraints?: readonly string[] | undefined
  /** Free-form JSON object as text; its `constraints` apply to the agent. */
  metadataJson?: string | undefined
  /** When the agent's trust and its capabilities expire, unless a capability does earlier; with an offset from UTC. */
  expiresAt?: string | undefined
}

/**
 * Establishes an agent (EATP's ESTABLISH): a new chain with a genesis record, capabilities that only this
 * agent can use, an envelope and a chain-state signature, all signed by the authority.
 *
 * @param known the authorities of which it is known what they may do
 * @throws MakeError for an empty id, an expiry that is past or naive, and an authority that is inactive or may not do it.
 * @example
 * const maker = { signer: memorySigner(privateKey), nowMicros, newId: (kind) => `${kind}-${randomUUID()}` }
 * const grant = { capability: "read_data", capabilityType: CapabilityType.ACCESS }
 * const chain = await establish({ agentId, authorityId, authorityType, capabilities: [grant] }, maker)
 */
export async function establish(
  agent: Establishment,
  maker: Maker,
  known?: Pick<Known, "authorities">,
): Promise<TrustLineageChain> {
  if (agent.agentId === "" || agent.authorityId === "") {
    throw new MakeError("INVALID_ARGUMENT", "An agent and its authority need ids")
  }
  const grants = agent.capabilities.length > 0 ? [AuthorityPermission.GRANT_CAPABILITIES] : []
  const authority = known?.authorities.get(agent.authorityId)
  assureMayIssue(authority, AuthorityPermission.CREATE_AGENTS, ...grants)
  const genesis = await signedGenesis(agent, maker)
  const capabilities = await Promise.all(
    agent.capabilities.map((grant) =>
      attestCapability(
        {
          ...grant,
          constraints: [...(grant.constraints ?? []), ...(agent.constraints ?? [])],
          expiresAt: earliest(grant.expiresAt, agent.expiresAt),
        },
        agent.authorityId,
        agent.agentId,
        maker,
      ),
    ),
  )
  return sealed({ genesis, capabilities }, maker)
}

/** Makes and signs a genesis record. Throws MakeError for an expiry that is past or naive. */
export async function signedGenesis(
  agent: Omit<Establishment, "capabilities" | "constraints">,
  maker: Maker,
): Promise<GenesisRecord> {
  checkExpiry(agent.expiresAt, maker)
  const genesis = create(GenesisRecordSchema, {
    id: maker.newId("gen"),
    agentId: agent.agentId,
    authorityId: agent.authorityId,
    authorityType: agent.authorityType,
    createdAt: nowText(maker),
    expiresAt: agent.expiresAt,
    metadataJson: agent.metadataJson,
  })
  genesis.signature = await signText(maker.signer, genesisPayload(genesis))
  return genesis
}
