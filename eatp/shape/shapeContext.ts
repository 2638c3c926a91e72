/** One thing about a field that is against the rules. */
export type Violation = {
  /** Path in the contract's names, for example `chain.capabilities[3].expires_at`. */
  field: string
  /** What is wrong, with the limit where there is one. */
  description: string
}

/** How large a chain may be. */
export type ShapeLimits = {
  /** Bytes of the chain as protobuf. */
  maxChainBytes: number
  /** Capability attestations. */
  maxCapabilities: number
  /** Delegation records. */
  maxDelegations: number
  /** Audit anchors. */
  maxAnchors: number
  /** Bytes of UTF-8 of each id. */
  maxIdBytes: number
  /** How deep free-form JSON may nest; `{}` is 1 deep. */
  maxJsonDepth: number
}

/** The limits of a registry that is not told otherwise. */
export const DEFAULT_LIMITS: ShapeLimits = {
  maxChainBytes: 1_048_576,
  maxCapabilities: 1_000,
  maxDelegations: 1_000,
  maxAnchors: 2_000,
  maxIdBytes: 512,
  maxJsonDepth: 64,
}

/** What the checks of one chain share. */
export type ShapeContext = {
  limits: ShapeLimits
  violations: Violation[]
  report: (field: string, description: string) => void
  /** Whether no further violation is kept. */
  isFull: () => boolean
}

// A hostile chain may break a rule in each of a hundred thousand places; more than this tells nobody more.
const MAX_VIOLATIONS = 1_000

/** Begins the check of one chain. */
export function shapeContext(limits: ShapeLimits): ShapeContext {
  const violations: Violation[] = []
  const isFull = () => violations.length >= MAX_VIOLATIONS
  return {
    limits,
    violations,
    isFull,
    report: (field, description) => {
      if (!isFull()) violations.push({ field, description })
    },
  }
}
