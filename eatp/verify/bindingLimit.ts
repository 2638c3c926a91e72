import type { Judgement } from "../rules/limitRules.js"
import type { Limit } from "../rules/limits.js"

/** A limit that binds an agent in what it wants to do. */
export type BindingLimit = {
  limit: Limit
  /** The record that sets it: `genesis`, `capability:<id>`, `delegation:<id>`, or what the envelope names. */
  source: string
  /** Whether what it applies to was delegated on. */
  delegatedOn: boolean
}

/** A limit that binds the agent, and what became of it. */
export type JudgedLimit = BindingLimit & { judgement: Judgement }
