import type { GenesisRecord, TrustLineageChain } from "@trust-registry/proto"
import { type CapabilityRung, climb, downFrom, openLadder, type Rung } from "./climb.js"
import { openPathChecks, type PathFault } from "./pathChecks.js"
import type { TrustInput } from "./trustInput.js"
import { nextTurn } from "./turns.js"

/** A record on the path from an authority down to a capability. */
export type PathRecord = {
  kind: "AUTHORITY" | "GENESIS" | "CAPABILITY" | "DELEGATION"
  /** Id of the record, or of the authority; empty where there is none. */
  id: string
  /** The agent in whose chain it stands; empty for the authority. */
  agentId: string
  /** The authority that signed it; of the authority itself its own id. */
  authorityId: string
  /** When it was made, as signed; empty for the authority. */
  dated: string
  /** When it ends, as signed; unset: never. */
  expires?: string
  holds: boolean
  /** What is wrong with it, or else to be known of it; empty: nothing. */
  detail: string
}

/** How an agent came to a capability. */
export type TrustPath = {
  /** Whether it stands, from an authority down to the capability. */
  stands: boolean
  /** From the top down; of one that does not stand, what breaks it and what holds below. */
  records: PathRecord[]
  /** What breaks it. */
  fault?: PathFault
}

// As many records are looked at before others have their turn.
const SLICE = 32

/**
 * Finds the shortest path by which a capability came to its holder: from a capability that an authority
 * attested to an agent with a signed genesis record, by delegations that run and are not revoked, each out of a
 * live, unrevoked capability of the delegator that covers what was delegated, in at most ten hops (EATP DELEGATE,
 * read backwards). Every record on it is signed. A capability whose name a delegation to its holder lists counts as
 * delegated. Where several paths break, the one that reaches highest is told.
 *
 * @param authorityId who must have attested the first capability; unset: whoever
 */
export async function findPath(
  input: TrustInput,
  start: CapabilityRung,
  authorityId?: string,
): Promise<TrustPath> {
  const ladder = openLadder(input.chains)
  const faultOf = openPathChecks(input, ladder)
  const walk = climb(start, ladder)
  let broken: TrustPath | undefined
  let done = 0
  for (let turn = walk.next(); turn.done !== true; ) {
    const rung = turn.value
    const fault = faultOf(rung) ?? elsewhere(rung, authorityId)
    if (fault === undefined && isRoot(rung)) return { stands: true, records: fromAuthority(rung, input) }
    if (fault !== undefined) broken = higher(broken, brokenAt(rung, fault, input))
    if (++done % SLICE === 0) await nextTurn()
    turn = walk.next(fault === undefined)
  }
  return broken ?? brokenAt(start, { reason: "PATH_BROKEN", detail: "it was delegated in a circle" }, input)

  function isRoot(rung: Rung): rung is CapabilityRung {
    return rung.kind === "CAPABILITY" && ladder.above(rung).length === 0
  }

  function elsewhere(rung: Rung, asked: string | undefined): PathFault | undefined {
    if (asked === undefined || !isRoot(rung) || attesterOf(rung) === asked) return undefined
    return { reason: "AUTHORITY_MISMATCH", detail: `the path begins here, not at ${JSON.stringify(asked)}` }
  }
}

// A path that stands but for the authority tells most.
function higher(known: TrustPath | undefined, other: TrustPath): TrustPath {
  const height = ({ fault, records }: TrustPath) =>
    fault?.reason === "AUTHORITY_MISMATCH" ? Number.POSITIVE_INFINITY : records.length
  return known === undefined || height(other) > height(known) ? other : known
}

function brokenAt(rung: Rung, fault: PathFault, input: TrustInput): TrustPath {
  const { reason, detail, genesisOf } = fault
  if (reason === "AUTHORITY_MISMATCH" && rung.kind === "CAPABILITY") {
    const [authority, ...held] = fromAuthority(rung, input)
    return {
      stands: false,
      records: authority ? [{ ...authority, holds: false, detail }, ...held] : held,
      fault,
    }
  }
  const records = downFrom(rung).map((passed) => recordOf(passed, input))
  const [top] = records
  if (genesisOf === undefined && top !== undefined) Object.assign(top, { holds: false, detail })
  const chain = genesisOf === undefined ? undefined : chainOf(rung, genesisOf, input)
  if (chain?.genesis) records.unshift({ ...genesisRecord(chain.genesis, input), holds: false, detail })
  return { stands: false, records, fault }
}

function fromAuthority(root: CapabilityRung, input: TrustInput): PathRecord[] {
  const id = attesterOf(root)
  const authority: PathRecord = {
    ...{ kind: "AUTHORITY", id, agentId: "", authorityId: id, dated: "", holds: true },
    detail: noteOn(id, input),
  }
  const { genesis } = root.chain
  const records = downFrom(root).map((rung) => recordOf(rung, input))
  return [authority, ...(genesis === undefined ? [] : [genesisRecord(genesis, input)]), ...records]
}

function recordOf(rung: Rung, input: TrustInput): PathRecord {
  const { kind, agentId, record } = rung
  const delegator = kind === "DELEGATION" ? input.chains.get(rung.record.delegatorId)?.chain : undefined
  const authorityId = kind === "CAPABILITY" ? attesterOf(rung) : (delegator?.genesis?.authorityId ?? "")
  const dated = kind === "CAPABILITY" ? rung.record.attestedAt : rung.record.delegatedAt
  return {
    ...{ kind, id: record.id, agentId, authorityId, dated },
    ...expiring(record.expiresAt),
    holds: true,
    detail: noteOn(authorityId, input),
  }
}

function genesisRecord({ id, agentId, authorityId, createdAt, expiresAt }: GenesisRecord, input: TrustInput) {
  return {
    ...{ kind: "GENESIS" as const, id, agentId, authorityId, dated: createdAt },
    ...expiring(expiresAt),
    holds: true,
    detail: noteOn(authorityId, input),
  }
}

function expiring(expires: string | undefined): { expires?: string } {
  return expires === undefined ? {} : { expires }
}

function attesterOf({ record, chain }: CapabilityRung): string {
  return record.attesterId || (chain.genesis?.authorityId ?? "")
}

function chainOf(rung: Rung, agentId: string, input: TrustInput): TrustLineageChain | undefined {
  return agentId === rung.agentId ? rung.chain : input.chains.get(agentId)?.chain
}

function noteOn(authorityId: string, { authorities }: TrustInput): string {
  return authorities.get(authorityId)?.active === false ? "signed by an authority that is inactive now" : ""
}
