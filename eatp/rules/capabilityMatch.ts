/**
 * Whether a capability covers an action (EATP VERIFY): `*` covers every action; one `*` at an end or in the middle matches
 * any text; a pattern with several is matched by its end only, or by nothing; without `*` the two must be equal. A capability
 * without a name covers nothing.
 */
export function capabilityCovers(capability: string, action: string): boolean {
  if (!capability.includes("*")) return capability === action && capability !== ""
  // The order is EATP's: in "*x*" the first star is a plain character.
  if (capability.endsWith("*")) return action.startsWith(capability.slice(0, -1))
  if (capability.startsWith("*")) return action.endsWith(capability.slice(1))
  const [start, end, ...more] = capability.split("*")
  if (more.length > 0 || start === undefined || end === undefined) return false
  return action.startsWith(start) && action.endsWith(end)
}
