/**
 * The delay from the answer to each write until its event arrived, in milliseconds; negative if the event arrived first. Writes
 * of one agent are matched in order.
 *
 * @param answered when each agent's write was answered
 * @param seen when each agent's event arrived
 */
export function lagBehind(
  answered: readonly (readonly [agentId: string, at: number])[],
  seen: readonly (readonly [agentId: string, at: number])[],
): number[] {
  const events = new Map<string, number[]>()
  for (const [agentId, at] of seen) events.set(agentId, [...(events.get(agentId) ?? []), at])
  return answered.map(([agentId, at]) => {
    const came = events.get(agentId)?.shift()
    if (came === undefined) throw new Error(`no event arrived for a write to ${agentId}`)
    return came - at
  })
}
