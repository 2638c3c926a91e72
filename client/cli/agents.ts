import type { Invocation } from "./command.js"
import { type ErrorReport, errorReportOf, reportError } from "./errorReport.js"
import { EXIT, exitCodeOf } from "./output/exit.js"

/**
 * Does the work for each agent in turn. A failure is reported and the next agent follows, unless the registry itself failed.
 * Returns the exit code of the first failure.
 */
export function forEachAgent(invocation: Batch, work: (agentId: string) => Promise<number>): Promise<number> {
  return forEachArgument(invocation, (agentId) => ({ agentId }), work)
}

/** Like {@link forEachAgent}, for authorities. */
export function forEachAuthority(
  invocation: Batch,
  work: (authorityId: string) => Promise<number>,
): Promise<number> {
  return forEachArgument(invocation, (authorityId) => ({ authorityId }), work)
}

type Batch = Pick<Invocation, "args" | "json" | "err">

async function forEachArgument(
  invocation: Batch,
  about: (id: string) => Pick<ErrorReport, "agentId" | "authorityId">,
  work: (id: string) => Promise<number>,
): Promise<number> {
  let exitCode: number = EXIT.done
  for (const id of invocation.args) {
    let code: number
    try {
      code = await work(id)
    } catch (error) {
      code = exitCodeOf(error)
      await reportError(invocation, errorReportOf(error, about(id)))
    }
    exitCode ||= code
    if (code > EXIT.refused) break
  }
  return exitCode
}
