import type { CapabilityAttestation, GenesisRecord, TrustLineageChain } from "@trust-registry/proto"
import { capabilityCovers } from "../rules/capabilityMatch.js"
import { type ConstraintFinding, constraintFindings } from "./constraintChecks.js"
import { type Question, questionOf } from "./question.js"
import type { TrustInput } from "./trustInput.js"
import { findPath, type PathRecord, type TrustPath } from "./trustPath.js"
import type { DenialReason, TrustVerdict } from "./verdict.js"
import { verifyTrust } from "./verifyTrust.js"

/** Whether an agent has a permission, and from whom. */
export type AuthorityVerdict = {
  authorized: boolean
  /** Unset when authorized. */
  reason?: DenialReason
  /** Unset when authorized. */
  reasonText?: string
  /** Id of the capability that covers the action; unset where none does. */
  capabilityUsed?: string
  /** What the capability and its delegations ask to heed, by code point; when authorized. */
  effectiveConstraints: string[]
  /** From the authority down to the capability; where it does not stand, what breaks it and what holds below. */
  path: PathRecord[]
  constraintsMet: ConstraintFinding[]
  constraintsUnmet: ConstraintFinding[]
}

/**
 * Answers whether an agent may do something, and tells the path of records from the authority that granted it
 * (EATP VERIFY and DELEGATE): {@link verifyTrust} must allow it at FULL, and every record on the path must
 * hold, so that a delegation or a capability further up that has expired denies. Never throws.
 *
 * @param authorityId who must have attested the capability at the head of the path; unset: whoever
 */
export async function checkAuthority(input: TrustInput, authorityId?: string): Promise<AuthorityVerdict> {
  const asked: TrustInput = { ...input, request: { ...input.request, level: "full" } }
  const verdict = await verifyTrust(asked)
  const { agentId } = asked.request
  const stored = asked.chains.get(agentId)
  const genesis = stored?.chain.genesis
  if (stored?.active !== true || genesis?.agentId !== agentId) return told(verdict, NOTHING)
  try {
    return told(verdict, await evidence(asked, stored.chain, genesis, authorityId))
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    const failed: PathEnd = { reason: "EVALUATION_FAILED", text: `The path could not be evaluated: ${cause}` }
    return told(verdict, { ...NOTHING, end: failed })
  }
}

type PathEnd = { reason: DenialReason; text: string }
type Evidence = { path: TrustPath; findings: ConstraintFinding[]; capability?: string; end?: PathEnd }

const NOTHING: Evidence = { path: { stands: false, records: [] }, findings: [] }

async function evidence(
  input: TrustInput,
  chain: TrustLineageChain,
  genesis: GenesisRecord,
  authorityId: string | undefined,
): Promise<Evidence> {
  const question = questionOf(input, chain, genesis)
  const record = question.capability ?? spentCapability(question)
  const findings = await constraintFindings(question)
  if (record === undefined) return { ...NOTHING, findings }
  const { agentId } = genesis
  const path = await findPath(input, { kind: "CAPABILITY", agentId, chain, record }, authorityId)
  return { path, findings, capability: record.id }
}

// One that covers the action no more: it is what breaks the path.
function spentCapability({ chain, input }: Question): CapabilityAttestation | undefined {
  return chain.capabilities.find(({ capability }) => capabilityCovers(capability, input.request.action))
}

function told(verdict: TrustVerdict, { path, findings, capability, end }: Evidence): AuthorityVerdict {
  const denied = verdict.valid ? (end ?? endOf(path)) : endOfVerdict(verdict)
  return {
    authorized: denied === undefined,
    ...(denied === undefined ? {} : { reason: denied.reason, reasonText: denied.text }),
    ...(capability === undefined ? {} : { capabilityUsed: capability }),
    effectiveConstraints: denied === undefined ? verdict.effectiveConstraints : [],
    path: path.records,
    constraintsMet: findings.filter(({ reason }) => reason === undefined),
    constraintsUnmet: findings.filter(({ reason }) => reason !== undefined),
  }
}

function endOf({ stands, fault, records }: TrustPath): PathEnd | undefined {
  if (stands) return undefined
  if (fault === undefined) return { reason: "PATH_BROKEN", text: "No path leads to an authority" }
  const [top] = records
  const where =
    top === undefined ? "" : `${top.kind.toLowerCase()} ${top.id}${top.agentId && ` of ${top.agentId}`}: `
  return { reason: fault.reason, text: `The path does not stand: ${where}${fault.detail}` }
}

function endOfVerdict({ reason = "EVALUATION_FAILED", reasonText = "" }: TrustVerdict): PathEnd {
  return { reason, text: reasonText }
}
