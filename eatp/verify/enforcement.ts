import { openHeeds } from "../rules/heeds.js"
import { judge, type LimitRequest } from "../rules/limitRules.js"
import { inTurns } from "../turns/turns.js"
import type { BindingLimit, JudgedLimit } from "./bindingLimit.js"
import { ownLimits, pathLimits } from "./bindingLimits.js"
import { requestOf } from "./constraintChecks.js"
import { violation } from "./constraintViolation.js"
import type { PathStep } from "./pathSteps.js"
import type { Question } from "./question.js"
import { type Denial, denial, type UnenforcedConstraint } from "./verdict.js"

/** Judges the limits in the agent's own chain that bind what it wants to do, each once. */
export async function judgedLimits(question: Question): Promise<readonly JudgedLimit[]> {
  question.limits ??= await judged(question, (take) => ownLimits(question, take))
  return question.limits
}

/** Judges those that the records above set on a path. */
export async function judgedPathLimits(question: Question, top: PathStep): Promise<readonly JudgedLimit[]> {
  return await judged(question, (take) => pathLimits(top, take))
}

/**
 * No limit that binds the agent forbids the action. Stricter than EATP's reference implementation, which has fewer rules: where its yes
 * is the usual answer, only if the request asks for it.
 */
export async function limitsMet(question: Question): Promise<Denial | undefined> {
  const limits = await judgedLimits(question)
  return unmetLimits(question.input.request.denyUnenforced === true ? limits : limits.filter(isCommon))
}

/**
 * Rules that deny what the reference implementation permits every day: by `read_only` it forbids five words, and it looks at no scope.
 * VerifyTrust keeps its answers unless it is asked to deny what is not enforced, and tells of them; CheckAuthority denies.
 */
const ASKED_FOR: ReadonlySet<string | undefined> = new Set([
  "read_only",
  "allow_state_mutation",
  "operations",
])

function isCommon({ judgement }: JudgedLimit): boolean {
  return judgement.state !== "unmet" || !ASKED_FOR.has(judgement.rule)
}

/** Some of these limits forbid the action. */
export function unmetLimits(limits: readonly JudgedLimit[]): Denial | undefined {
  const violations = limits.flatMap(({ limit, source, judgement }) =>
    judgement.state === "unmet"
      ? [
          {
            constraint: limit.text,
            source,
            reason: judgement.reason,
            severity: "error" as const,
            ...(judgement.rule === undefined ? {} : { rule: judgement.rule }),
          },
        ]
      : [],
  )
  return violations.length === 0 ? undefined : violation(violations)
}

/** Every limit that binds the agent is enforced, by a rule or by the caller, if the request asks for that. */
export async function limitsEnforced(question: Question): Promise<Denial | undefined> {
  if (question.input.request.denyUnenforced !== true) return undefined
  return notEnforced(await unenforced(question, await judgedLimits(question)))
}

/** The limits that neither a rule judged nor the caller heeds, each text once. */
export async function unenforced(
  question: Question,
  limits: readonly JudgedLimit[],
): Promise<UnenforcedConstraint[]> {
  return await inTurns(unenforcedSteps(question, limits))
}

function* unenforcedSteps(
  question: Question,
  limits: readonly JudgedLimit[],
): Generator<void, UnenforcedConstraint[]> {
  const isHeeded = openHeeds(question.input.request.heeds ?? [])
  const found = new Map<string, UnenforcedConstraint>()
  for (const one of limits) {
    yield
    const { limit, source, judgement } = one
    const needs = judgement.state === "unenforced" ? judgement.needs : isCommon(one) ? undefined : ASK
    if (needs === undefined || found.has(limit.text) || isHeeded(limit)) continue
    found.set(limit.text, { constraint: limit.text, source, needs })
  }
  return [...found.values()]
}

// Only of what VerifyTrust permits: CheckAuthority denies for it before it asks who enforces what.
const ASK = "deny_unenforced: by itself it forbids the action"

/** The denial for limits that nobody enforces; undefined if there are none. */
export function notEnforced(constraints: readonly UnenforcedConstraint[]): Denial | undefined {
  if (constraints.length === 0) return undefined
  const named = constraints.slice(0, NAMED).map(sentenceOf)
  const more = constraints.length - named.length
  const detail = [...named, ...(more > 0 ? [`and ${more} more, which unenforced_constraints has`] : [])].join(
    ", ",
  )
  const names = constraints.slice(0, NAMED).map(({ constraint }) => short(constraint))
  return denial("CONSTRAINT_NOT_ENFORCED", `Constraints that nobody enforces: ${names.join(", ")}`, {
    facts: { detail },
  })
}

// How many a sentence names, and how much of each, in UTF-16 units.
const NAMED = 50
const SHOWN = 200

function short(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN).toWellFormed()}…` : text
}

function sentenceOf({ constraint, source, needs }: UnenforcedConstraint): string {
  return `${short(constraint)} (${short(source)}${needs && `; a rule needs ${needs}`})`
}

async function judged(
  question: Question,
  limits: (take: (limit: BindingLimit) => Iterable<void>) => Generator<void, void>,
): Promise<JudgedLimit[]> {
  const found: JudgedLimit[] = []
  const request: LimitRequest = {
    ...requestOf(question),
    resource: question.input.request.resource ?? "",
    delegatedOn: false,
  }
  const take = (one: BindingLimit) => {
    found.push({ ...one, judgement: judge(one.limit, { ...request, delegatedOn: one.delegatedOn }) })
    return []
  }
  await inTurns(limits(take))
  return found
}
