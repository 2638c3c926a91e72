import { create, type MessageInitShape } from "@bufbuild/protobuf"
import {
  type CapabilityAttestation,
  type ConstraintDimension,
  type ConstraintDimensionsSchema,
  type DelegationRecord,
  DelegationRecordSchema,
  type DelegationScopeSchema,
  type GenesisRecord,
  type HumanOrigin,
  type MultiSigSigningPolicySchema,
  type ReasoningTrace,
  type ResourceLimitsSchema,
  type TrustLineageChain,
} from "@trust-registry/proto"
import { JsonObject } from "../json/json.js"
import { jsonText } from "../json/jsonText.js"
import { delegationPayload } from "../signing/delegationPayload.js"
import { DELEGATION_LEGACY, selectDelegationVersion } from "../signing/delegationVersion.js"
import { type Signer, signText } from "../signing/ed25519.js"
import { attestCapability } from "./capability.js"
import { delegable, delegationDepthOf, tightened } from "./delegable.js"
import { signedGenesis } from "./establish.js"
import { MakeError } from "./makeError.js"
import { checkExpiry, earliest, type Known, type Maker, nowText } from "./maker.js"
import { hashReasoning, signReasoning } from "./reasoned.js"
import { type ChainParts, partsOf, sealed } from "./sealed.js"
import { sourceChain } from "./sourceGate.js"
import { toWholeSeconds } from "./wholeSeconds.js"

/** Work to delegate from one agent to another. */
export type Delegation = {
  delegatorId: string
  delegateeId: string
  taskId: string
  /** Names of capabilities that the delegator's cover. */
  capabilities: readonly string[]
  /** Constraints besides the delegator's, which all go along. */
  constraints?: readonly string[]
  /** With an offset from UTC; the delegation never outlives the delegator's trust nor the capability delegated. */
  expiresAt?: string
  /** The dimensions that are delegated; unset: all five. */
  dimensionScope?: readonly ConstraintDimension[]
  /** Limits for engines: all three or none. */
  engine?: {
    constraints: MessageInitShape<typeof ConstraintDimensionsSchema>
    resourceLimits: MessageInitShape<typeof ResourceLimitsSchema>
    scope: MessageInitShape<typeof DelegationScopeSchema>
  }
  /** Who may sign, and how many must; needs the limits for engines. */
  multiSigPolicy?: MessageInitShape<typeof MultiSigSigningPolicySchema>
  reasoningTrace?: ReasoningTrace
  /** The human on whose behalf; unset: the one of the delegator's own asked. */
  humanOrigin?: HumanOrigin
}

/**
 * Delegates work to an agent (EATP's DELEGATE): gives the delegatee's new chain, which holds the delegation and a
 * signed capability for each one delegated; a delegatee without chain gets one, derived from the delegator's. The
 * signer holds the key of the delegator's authority; where the delegatee's is another one, that authority's
 * signer is told as owner.
 *
 * @throws MakeError for what the rules refuse: a delegator whose chain does not hold, delegating to oneself,
 * circles, more than ten hops, capabilities that the delegator lacks or that have expired, no_delegation,
 * looser constraints. SigningPayloadError for engine limits that are not complete.
 */
export async function delegate(
  asked: Delegation,
  known: Known,
  maker: Maker,
  owner: Signer = maker.signer,
): Promise<TrustLineageChain> {
  const source = await sourceChain(asked.delegatorId, known, maker)
  const delegationDepth = delegationDepthOf(asked.delegatorId, asked.delegateeId, known)
  const sources = delegable(source.chain, asked.capabilities, maker.nowMicros)
  const delegation = newRecord(asked, source.chain, [...sources.values()], maker)
  delegation.delegationDepth = BigInt(delegationDepth)
  const { genesis, parts } = await delegateeOf(asked, source.genesis, delegation, known, maker)
  await sign(delegation, maker, owner)
  const delegated = await delegatedCapabilities(sources, delegation, source.genesis.authorityId, maker)
  return sealed(
    {
      ...parts,
      genesis,
      capabilities: [...(parts.capabilities ?? []), ...delegated],
      delegations: [...(parts.delegations ?? []), delegation],
    },
    maker,
    owner,
  )
}

function newRecord(
  asked: Delegation,
  chain: TrustLineageChain,
  sources: CapabilityAttestation[],
  maker: Maker,
): DelegationRecord {
  checkExpiry(asked.expiresAt, maker)
  if (asked.capabilities.length === 0)
    throw new MakeError("INVALID_ARGUMENT", "There is no capability to delegate")
  const above = chain.delegations.at(-1)
  const humanOrigin = asked.humanOrigin ?? above?.humanOrigin
  const delegation = create(DelegationRecordSchema, {
    id: maker.newId("del"),
    delegatorId: asked.delegatorId,
    delegateeId: asked.delegateeId,
    taskId: asked.taskId,
    capabilitiesDelegated: [...asked.capabilities],
    constraintSubset: tightened(chain, asked.constraints ?? []),
    delegatedAt: nowText(maker),
    expiresAt: earliest(
      asked.expiresAt,
      chain.genesis?.expiresAt,
      ...sources.map(({ expiresAt }) => expiresAt),
    ),
    delegationChain: [...(above?.delegationChain ?? [asked.delegatorId]), asked.delegateeId],
    dimensionScope: [...(asked.dimensionScope ?? [])],
    ...asked.engine,
    multiSig: asked.multiSigPolicy !== undefined,
    ...(asked.multiSigPolicy === undefined ? {} : { multiSigPolicy: asked.multiSigPolicy }),
    ...(asked.reasoningTrace === undefined ? {} : { reasoningTrace: asked.reasoningTrace }),
    ...(humanOrigin === undefined ? {} : { humanOrigin }),
  })
  delegation.signingPayloadVersion = selectDelegationVersion(delegation)
  if (delegation.signingPayloadVersion !== DELEGATION_LEGACY) toWholeSeconds(delegation)
  return delegation
}

async function sign(delegation: DelegationRecord, maker: Maker, owner: Signer): Promise<void> {
  hashReasoning(delegation)
  delegation.signature = await signText(maker.signer, delegationPayload(delegation))
  await signReasoning(delegation, owner)
}

// The owner signs the delegatee's state anew, so it must hold; a chain that is not in force is not brought
// back.
async function delegateeOf(
  asked: Delegation,
  delegator: GenesisRecord,
  delegation: DelegationRecord,
  known: Known,
  maker: Maker,
): Promise<{ genesis: GenesisRecord; parts: ChainParts }> {
  if (known.chains.get(asked.delegateeId) === undefined) {
    return { genesis: await derivedGenesis(delegator, delegation, maker), parts: {} }
  }
  const { chain, genesis } = await sourceChain(asked.delegateeId, known, maker)
  return { genesis, parts: partsOf(chain) }
}

function derivedGenesis(
  delegator: GenesisRecord,
  delegation: DelegationRecord,
  maker: Maker,
): Promise<GenesisRecord> {
  const metadata = new JsonObject([
    ["derived_from", delegator.agentId],
    ["delegation_id", delegation.id],
  ])
  return signedGenesis(
    {
      agentId: delegation.delegateeId,
      authorityId: delegator.authorityId,
      authorityType: delegator.authorityType,
      expiresAt: delegation.expiresAt,
      metadataJson: jsonText(metadata),
    },
    maker,
  )
}

// Constraints of a delegation bind only as constraints of signed capabilities (EATP DELEGATE).
function delegatedCapabilities(
  sources: Map<string, CapabilityAttestation>,
  delegation: DelegationRecord,
  attesterId: string,
  maker: Maker,
): Promise<CapabilityAttestation[]> {
  return Promise.all(
    [...sources].map(([capability, source]) =>
      attestCapability(
        {
          capability,
          capabilityType: source.capabilityType,
          constraints: delegation.constraintSubset,
          scopeJson: source.scopeJson,
          expiresAt: earliest(delegation.expiresAt, source.expiresAt),
        },
        attesterId,
        delegation.delegateeId,
        maker,
      ),
    ),
  )
}
