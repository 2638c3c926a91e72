import type { CapabilityAttestation } from "@trust-registry/proto"
import { capabilityCovers } from "../rules/capabilityMatch.js"
import { quoted } from "../text/visible.js"
import type { ConstraintFinding } from "./constraintChecks.js"
import { findingsOf } from "./constraintFindings.js"
import { type Explained, explain, explainMissing } from "./denialCause.js"
import { judgedLimits, judgedPathLimits, notEnforced, unenforced, unmetLimits } from "./enforcement.js"
import type { Question } from "./question.js"
import type { TrustInput } from "./trustInput.js"
import { findPath, type PathRecord, type TrustPath } from "./trustPath.js"
import {
  type Denial,
  type DenialReason,
  denial,
  type TrustVerdict,
  type UnenforcedConstraint,
} from "./verdict.js"
import { chainInQuestion, noTrustChain, verdictOn } from "./verifyTrust.js"

/** Whether an agent has a permission, and from whom. */
export type AuthorityVerdict = {
  authorized: boolean
  /** Unset when authorized. */
  reason?: DenialReason
  /** Unset when authorized. */
  reasonText?: string
  /** Why, for people: one sentence that names the record. Unset when authorized. */
  explanation?: string
  /** What to do about it, for programmers. Unset when authorized. */
  remedy?: string
  /** The reason that the explanation is about, of which `reason` may be only a consequence. Unset when authorized. */
  cause?: DenialReason
  /** Id of the capability that covers the action; unset if none does. */
  capabilityUsed?: string
  /** The constraints of the capability and its delegations, sorted by code point; empty unless authorized. */
  effectiveConstraints: string[]
  /** From the authority down to the capability; of a broken path, the record that breaks it and those below. */
  path: PathRecord[]
  constraintsMet: ConstraintFinding[]
  constraintsUnmet: ConstraintFinding[]
  /** What nobody enforces, each text once: it denies. */
  unenforcedConstraints: UnenforcedConstraint[]
}

/**
 * Answers whether an agent may do something, and gives the path of records from the authority that granted it (EATP
 * VERIFY and DELEGATE): {@link verifyTrust} must allow it at FULL, and every record on the path must hold, so that an
 * expired delegation or capability further up denies. So does a limit of a record on the path that forbids the action, or that
 * neither a rule enforces nor the caller (`request.heeds`). Never throws.
 *
 * @param authorityId who must have attested the capability at the head of the path; unset: any authority
 */
export async function checkAuthority(input: TrustInput, authorityId?: string): Promise<AuthorityVerdict> {
  const full: TrustInput = { ...input, request: { ...input.request, level: "full" } }
  const question = chainInQuestion(full)
  if (question === undefined) return answer(noTrustChain(full), NOTHING)
  const verdict = await verdictOn(question)
  try {
    const found = await evidence(question, authorityId)
    const fault = verdict.valid ? (pathDenial(found.path) ?? found.limited) : undefined
    if (fault === undefined) return answer(verdict, found)
    return answer(verdict, { ...found, denied: { ...fault, ...(await explain(question, fault)) } })
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    const text = `The path could not be evaluated: ${cause}`
    const fault = denial("EVALUATION_FAILED", text, { facts: { detail: cause } })
    return answer(verdict, { ...NOTHING, denied: { ...fault, ...explainMissing(full, fault) } })
  }
}

type PathDenial = Denial & Explained
type Evidence = {
  path: TrustPath
  findings: ConstraintFinding[]
  open: UnenforcedConstraint[]
  /** Why the limits that bind the agent deny, if they do. */
  limited?: Denial | undefined
  capability?: string
  denied?: PathDenial
}

const NOTHING: Evidence = { path: { holds: false, records: [] }, findings: [], open: [] }

async function evidence(question: Question, authorityId: string | undefined): Promise<Evidence> {
  const { chain, genesis } = question
  const record = question.capability ?? unusableCapability(question)
  if (record === undefined) return { ...NOTHING, findings: await findingsOf(question, []) }
  const { agentId } = genesis
  const path = await findPath(question, { kind: "CAPABILITY", agentId, chain, record }, authorityId)
  return { path, capability: record.id, ...(await limitsOn(question, path)) }
}

async function limitsOn(question: Question, { top }: TrustPath) {
  const own = await judgedLimits(question)
  const above = top === undefined ? [] : await judgedPathLimits(question, top)
  const limits = [...own, ...above]
  const open = await unenforced(
    question,
    limits.filter(({ judgement }) => judgement.state === "unenforced"),
  )
  const limited = unmetLimits(limits) ?? notEnforced(open)
  return { findings: await findingsOf(question, own, above), open, limited }
}

// One that would cover the action but is expired or revoked: it is what breaks the path.
function unusableCapability({ chain, input }: Question): CapabilityAttestation | undefined {
  return chain.capabilities.find(({ capability }) => capabilityCovers(capability, input.request.action))
}

function answer(
  verdict: TrustVerdict,
  { path, findings, open, capability, ...failed }: Evidence,
): AuthorityVerdict {
  const denied = verdict.valid ? failed.denied && pathWords(failed.denied) : verdictWords(verdict)
  return {
    authorized: denied === undefined,
    ...denied,
    ...(capability === undefined ? {} : { capabilityUsed: capability }),
    effectiveConstraints: denied === undefined ? verdict.effectiveConstraints : [],
    path: path.records,
    constraintsMet: findings.filter(({ reason }) => reason === undefined),
    constraintsUnmet: findings.filter(({ reason }) => reason !== undefined),
    unenforcedConstraints: open,
  }
}

function pathDenial({ holds, fault, records }: TrustPath): Denial | undefined {
  if (holds) return undefined
  if (fault === undefined) return denial("PATH_BROKEN", "No path leads to an authority")
  const [top] = records
  const where =
    top === undefined ? "" : `${top.kind.toLowerCase()} ${top.id}${top.agentId && ` of ${top.agentId}`}: `
  const { reason, detail, facts, signature } = fault
  const about =
    signature === undefined ? `${where}${detail}` : `${top?.kind.toLowerCase()} ${quoted(top?.id ?? "")}`
  const named = top && { id: top.id, holderId: top.agentId || undefined, since: top.expires }
  return denial(reason, `The path is broken: ${where}${detail}`, {
    facts: { ...named, ...authorityOf(top), detail: about, ...facts },
    ...(signature && { signature }),
  })
}

function authorityOf(top: PathRecord | undefined) {
  return top && top.authorityId !== "" ? { authorityId: top.authorityId } : {}
}

function pathWords({ reason, text, explanation, remedy, cause }: PathDenial) {
  return { reason, reasonText: text, explanation, remedy, cause }
}

function verdictWords({ reason = "EVALUATION_FAILED", reasonText = "", ...verdict }: TrustVerdict) {
  const { explanation = "", remedy = "", cause = reason } = verdict
  return { reason, reasonText, explanation, remedy, cause }
}
