/** A field that breaks a rule. */
export type Violation = {
  /** Path in the contract's names, for example `chain.capabilities[3].expires_at`. */
  field: string
  /** What is wrong, with the limit if there is one. */
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

/** The default limits of a registry. */
export const DEFAULT_LIMITS: ShapeLimits = {
  maxChainBytes: 1_048_576,
  maxCapabilities: 1_000,
  maxDelegations: 1_000,
  maxAnchors: 2_000,
  maxIdBytes: 512,
  maxJsonDepth: 64,
}

/** The state that the checks of one chain share. */
export type ShapeContext = {
  limits: ShapeLimits
  violations: Violation[]
  report: (field: string, description: string) => void
  /** Whether further violations are dropped. */
  isFull: () => boolean
  /** The long free-form values, which are checked last. */
  longJson: { text: string; name: string; path: string }[]
}

// A hostile chain may break rules in a hundred thousand places; nobody needs more violations than this.
const MAX_VIOLATIONS = 1_000

/** Creates the context for the check of one chain. */
export function shapeContext(limits: ShapeLimits): ShapeContext {
  const violations: Violation[] = []
  const isFull = () => violations.length >= MAX_VIOLATIONS
  return {
    limits,
    violations,
    isFull,
    longJson: [],
    report: (field, description) => {
      if (!isFull()) violations.push({ field, description })
    },
  }
}
