import { create, type MessageInitShape } from "@bufbuild/protobuf"
import {
  AuthorityPermission,
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
import { assureMayIssue } from "./issuer.js"
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
  /** Names of capabilities that the delegator's capabilities cover. */
  capabilities: readonly string[]
  /** Constraints in addition to the delegator's, all of which are passed on. */
  constraints?: readonly string[]
  /** With an offset from UTC; the delegation never outlives the delegator's trust nor the capability delegated. */
  expiresAt?: string
  /** The delegated dimensions; unset: all five. */
  dimensionScope?: readonly ConstraintDimension[]
  /** Limits that engines enforce: all three or none. */
  engine?: {
    constraints: MessageInitShape<typeof ConstraintDimensionsSchema>
    resourceLimits: MessageInitShape<typeof ResourceLimitsSchema>
    scope: MessageInitShape<typeof DelegationScopeSchema>
  }
  /** Who may sign, and how many must; requires the engine limits. */
  multiSigPolicy?: MessageInitShape<typeof MultiSigSigningPolicySchema>
  reasoningTrace?: ReasoningTrace
  /** The human on whose behalf the work is delegated; unset: as in the delegator's last delegation. */
  humanOrigin?: HumanOrigin
}

/**
 * Delegates work to an agent (EATP's DELEGATE): gives the delegatee's new chain, with the delegation and a signed
 * capability for each delegated name. A delegatee without a chain gets one derived from the delegator's. The maker's
 * signer has the key of the delegator's authority.
 *
 * @param owner the signer of the delegatee's authority, if that is another one
 * @throws MakeError for what the rules refuse: a delegator without a valid chain, delegation to itself, cycles, more than
 * ten hops, capabilities that the delegator lacks or that have expired, no_delegation, looser constraints, an authority that is inactive
 * or may not do it.
 * SigningPayloadError for incomplete engine limits.
 */
export async function delegate(
  asked: Delegation,
  known: Known,
  maker: Maker,
  owner: Signer = maker.signer,
): Promise<TrustLineageChain> {
  const source = await sourceChain(asked.delegatorId, known, maker)
  assureMayDelegate(asked, source.genesis, known)
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

// The delegator's authority signs the delegation and the capabilities, that of the delegatee its chain.
function assureMayDelegate({ delegateeId }: Delegation, { authorityId }: GenesisRecord, known: Known): void {
  const { CREATE_AGENTS, DELEGATE_TRUST, GRANT_CAPABILITIES } = AuthorityPermission
  const delegatee = known.chains.get(delegateeId)?.chain.genesis
  const creates = delegatee === undefined ? [CREATE_AGENTS] : []
  assureMayIssue(known.authorities.get(authorityId), DELEGATE_TRUST, GRANT_CAPABILITIES, ...creates)
  if (delegatee) assureMayIssue(known.authorities.get(delegatee.authorityId))
}

function newRecord(
  asked: Delegation,
  chain: TrustLineageChain,
  sources: CapabilityAttestation[],
  maker: Maker,
): DelegationRecord {
  checkExpiry(asked.expiresAt, maker)
  if (asked.capabilities.length === 0)
    throw new MakeError("INVALID_ARGUMENT", "A delegation needs at least one capability")
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

// The owner signs the delegatee's state again, so that chain must be valid and in force.
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
