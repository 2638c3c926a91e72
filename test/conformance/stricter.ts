import { RULE_NAMES, type TrustVerdict } from "@trust-registry/eatp"

/**
 * The rules by which alone a verdict is stricter than the reference implementation's yes, as classes of docs/stricter.md:
 * `stricter: read_only`. Undefined if the verdict is not a no, or if something else denies as well.
 */
export function stricterClass({ valid, reason, violations }: TrustVerdict): string | undefined {
  const errors = violations.filter(({ severity }) => severity === "error")
  if (valid || reason !== "CONSTRAINT_VIOLATION" || errors.length === 0) return undefined
  const rules = errors.map(({ rule }) => rule)
  if (!rules.every((rule) => rule !== undefined && RULE_NAMES.has(rule))) return undefined
  return `stricter: ${[...new Set(rules)].sort().join(", ")}`
}
