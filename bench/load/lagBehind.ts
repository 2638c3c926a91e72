/**
 * How long after the answer to each write its event came, in milliseconds; below zero where it came before. The writes of one
 * agent are matched in their order.
 *
 * @param answered which agent's write was answered when
 * @param seen which agent's event came when
 */
export function lagBehind(
  answered: readonly (readonly [agentId: string, at: number])[],
  seen: readonly (readonly [agentId: string, at: number])[],
): number[] {
  const events = new Map<string, number[]>()
  for (const [agentId, at] of seen) events.set(agentId, [...(events.get(agentId) ?? []), at])
  return answered.map(([agentId, at]) => {
    const came = events.get(agentId)?.shift()
    if (came === undefined) throw new Error(`no event came of a write to ${agentId}`)
    return came - at
  })
}
