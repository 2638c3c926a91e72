import type { GenesisRecord, TrustLineageChain } from "@trust-registry/proto"
import { createTurns } from "../turns/turns.js"
import { openPathChecks, type PathFault } from "./pathChecks.js"
import { type CapabilityStep, openSteps, type PathStep, stepsDown, walkUp } from "./pathSteps.js"
import type { Question } from "./question.js"
import { attesterOf } from "./recognition.js"
import type { TrustInput } from "./trustInput.js"

/** A record on the path from an authority down to a capability. */
export type PathRecord = {
  kind: "AUTHORITY" | "GENESIS" | "CAPABILITY" | "DELEGATION"
  /** Id of the record, or of the authority; empty if it has none. */
  id: string
  /** The agent in whose chain the record stands; empty for the authority. */
  agentId: string
  /** The authority that signed the record; for the authority itself, its own id. */
  authorityId: string
  /** When the record was made, as signed; empty for the authority. */
  dated: string
  /** When the record expires, as signed; unset: never. */
  expires?: string
  holds: boolean
  /** What is wrong with the record, or a remark about it; empty: nothing. */
  detail: string
}

/** How an agent came to a capability. */
export type TrustPath = {
  /** Whether the path holds from an authority down to the capability. */
  holds: boolean
  /** From the top down; of a broken path, the record that breaks it and those below. */
  records: PathRecord[]
  /** What breaks the path. */
  fault?: PathFault
  /** The capability at the head of a path that holds, with the steps below it. */
  top?: CapabilityStep
}

/**
 * Finds the shortest path by which a capability came to its holder: it begins with a capability that an authority
 * attested to an agent whose genesis record is signed, and leads down by delegations that run and are not revoked,
 * each of a live, unrevoked capability of the delegator that covers what is delegated, in at most ten hops (EATP
 * DELEGATE, read backwards). Every record on it is signed. A capability counts as delegated if a delegation to its
 * holder lists its name. If all paths are broken, gives the one that reaches highest.
 *
 * @param authorityId who must have attested the first capability; unset: any authority
 */
export async function findPath(
  { input, signaturesOf }: Pick<Question, "input" | "signaturesOf">,
  start: CapabilityStep,
  authorityId?: string,
): Promise<TrustPath> {
  const above = openSteps(input.chains)
  const faultsOf = openPathChecks({ input, signaturesOf }, above)
  const takeTurns = createTurns()
  const walk = walkUp(start, above)
  let broken: TrustPath | undefined
  for (let slice = walk.next(); slice.done !== true; ) {
    const faults = await faultsOf(slice.value)
    const sound: PathStep[] = []
    for (const [index, step] of slice.value.entries()) {
      const fault = faults[index] ?? mismatch(step)
      if (fault !== undefined) broken = higher(broken, brokenAt(step, fault, input))
      else if (isRoot(step)) return { holds: true, records: fromAuthority(step, input), top: step }
      else sound.push(step)
    }
    await takeTurns(slice.value.length)
    slice = walk.next(sound)
  }
  return broken ?? brokenAt(start, { reason: "PATH_BROKEN", detail: "its delegations form a cycle" }, input)

  function isRoot(step: PathStep): step is CapabilityStep {
    return step.kind === "CAPABILITY" && above(step).length === 0
  }

  function mismatch(step: PathStep): PathFault | undefined {
    if (authorityId === undefined || !isRoot(step) || attesterOf(step.chain, step.record) === authorityId)
      return undefined
    return {
      reason: "AUTHORITY_MISMATCH",
      detail: `the path begins here, not at ${JSON.stringify(authorityId)}`,
    }
  }
}

// A path that lacks nothing but the right authority says most.
function higher(known: TrustPath | undefined, other: TrustPath): TrustPath {
  const height = ({ fault, records }: TrustPath) =>
    fault?.reason === "AUTHORITY_MISMATCH" ? Number.POSITIVE_INFINITY : records.length
  return known === undefined || height(other) > height(known) ? other : known
}

function brokenAt(step: PathStep, fault: PathFault, input: TrustInput): TrustPath {
  const { reason, detail, genesisOf } = fault
  if (reason === "AUTHORITY_MISMATCH" && step.kind === "CAPABILITY") {
    const [authority, ...below] = fromAuthority(step, input)
    return {
      holds: false,
      records: authority ? [{ ...authority, holds: false, detail }, ...below] : below,
      fault,
    }
  }
  const records = stepsDown(step).map((passed) => recordOf(passed, input))
  const [top] = records
  if (genesisOf === undefined && top !== undefined) Object.assign(top, { holds: false, detail })
  const chain = genesisOf === undefined ? undefined : chainOf(step, genesisOf, input)
  if (chain?.genesis) records.unshift({ ...genesisRecord(chain.genesis, input), holds: false, detail })
  return { holds: false, records, fault }
}

function fromAuthority(root: CapabilityStep, input: TrustInput): PathRecord[] {
  const id = attesterOf(root.chain, root.record)
  const authority: PathRecord = {
    ...{ kind: "AUTHORITY", id, agentId: "", authorityId: id, dated: "", holds: true },
    detail: remarkOn(id, input),
  }
  const { genesis } = root.chain
  const records = stepsDown(root).map((step) => recordOf(step, input))
  return [authority, ...(genesis === undefined ? [] : [genesisRecord(genesis, input)]), ...records]
}

function recordOf(step: PathStep, input: TrustInput): PathRecord {
  const { kind, agentId, record } = step
  const delegator = kind === "DELEGATION" ? input.chains.get(step.record.delegatorId)?.chain : undefined
  const authorityId =
    kind === "CAPABILITY" ? attesterOf(step.chain, step.record) : (delegator?.genesis?.authorityId ?? "")
  const dated = kind === "CAPABILITY" ? step.record.attestedAt : step.record.delegatedAt
  return {
    ...{ kind, id: record.id, agentId, authorityId, dated },
    ...expiring(record.expiresAt),
    holds: true,
    detail: remarkOn(authorityId, input),
  }
}

function genesisRecord({ id, agentId, authorityId, createdAt, expiresAt }: GenesisRecord, input: TrustInput) {
  return {
    ...{ kind: "GENESIS" as const, id, agentId, authorityId, dated: createdAt },
    ...expiring(expiresAt),
    holds: true,
    detail: remarkOn(authorityId, input),
  }
}

function expiring(expires: string | undefined): { expires?: string } {
  return expires === undefined ? {} : { expires }
}

function chainOf(step: PathStep, agentId: string, input: TrustInput): TrustLineageChain | undefined {
  return agentId === step.agentId ? step.chain : input.chains.get(agentId)?.chain
}

function remarkOn(authorityId: string, { authorities }: TrustInput): string {
  return authorities.get(authorityId)?.active === false ? "signed by an authority that is inactive now" : ""
}
