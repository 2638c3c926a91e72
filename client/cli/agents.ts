import type { Invocation } from "./command.js"
import { complain, complaintOf } from "./complaint.js"
import { EXIT, exitCodeOf } from "./exit.js"

/**
 * Does the work for each agent in turn. What fails is told and the next agent comes, unless the registry itself failed.
 * Gives the exit code of the first failure.
 */
export async function forEachAgent(
  invocation: Pick<Invocation, "args" | "json" | "err">,
  work: (agentId: string) => Promise<number>,
): Promise<number> {
  let exitCode: number = EXIT.done
  for (const agentId of invocation.args) {
    let code: number
    try {
      code = await work(agentId)
    } catch (error) {
      code = exitCodeOf(error)
      await complain(invocation, complaintOf(error, { agentId }))
    }
    exitCode ||= code
    if (code > EXIT.refused) break
  }
  return exitCode
}
