import type { Consistency } from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"

/** How current a read must be; without a case, the cache may answer. */
export type Requirement = Consistency["requirement"]

/**
 * The requirement of a request. Throws INVALID_REQUEST for an unknown requirement, for `strong = false` and for revisions below 1.
 * Does not check that the revision exists.
 */
export function requirementOf(consistency: Consistency | undefined): Requirement {
  if (consistency === undefined) return NONE
  const { requirement, $unknown } = consistency
  // A newer client's requirement may be stricter than what this server would do without it.
  if ($unknown?.length)
    throw invalidRequest("consistency", "has a requirement that this server does not know")
  if (requirement.case === "strong" && !requirement.value)
    throw invalidRequest("consistency.strong", "is false; it must be true or unset")
  if (requirement.case === "minRevision" || requirement.case === "atRevision") assureAtLeastOne(requirement)
  return requirement
}

const NONE: Requirement = { case: undefined }

/** A requirement that names a revision. */
export type RevisionRequirement = Extract<Requirement, { value: bigint }>

/** Throws INVALID_REQUEST unless the revision exists. */
export function assureExists({ case: kind, value }: RevisionRequirement, newest: bigint): void {
  if (value > newest) throw invalidRequest(FIELDS[kind], `is ${value}; the newest revision is ${newest}`)
}

function assureAtLeastOne({ case: kind, value }: RevisionRequirement): void {
  if (value < 1n) throw invalidRequest(FIELDS[kind], `is ${value}; at least 1 is allowed`)
}

/** The path of each requirement in a request. */
export const FIELDS = {
  minRevision: "consistency.min_revision",
  atRevision: "consistency.at_revision",
} as const
