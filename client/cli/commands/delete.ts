import { visibleName } from "@trust-registry/eatp"
import type { ChainRecord } from "@trust-registry/proto"
import type { DeleteResult } from "../../batches.js"
import type { TrustRegistry } from "../../connect.js"
import type { TrustStoreError } from "../../errors.js"
import { forEachAgent } from "../agents.js"
import { command, type Invocation } from "../command.js"
import { errorReportOf, reportError } from "../errorReport.js"
import { expectedRevision, REVISION_FLAG } from "../flags/writeFlags.js"
import { EXIT, exitCodeOf } from "../output/exit.js"
import { recordJson } from "../output/records.js"
import { UsageError } from "../usage.js"

/** The most agents that the registry accepts in one batch. */
const LARGEST_BATCH = 1_000

const FLAGS = {
  ...REVISION_FLAG,
  purge: { type: "boolean", help: "delete for good, including the documents in history" },
  atomic: { type: "boolean", help: `delete all of the chains or none (at most ${LARGEST_BATCH} agents)` },
} as const

/** Deletes the chains of agents. */
export const remove = command({
  args: "AGENT...",
  arity: [1, Infinity],
  summary: "delete the chains of agents, or purge them for good",
  details:
    "`restore` brings a deleted chain back, but not a purged one. Prints the result for each agent; that a chain was deleted " +
    "before is said, and no failure. The exit code is that of the first failure. With --atomic nothing is deleted unless all of " +
    "the chains can be.",
  examples: ["delete agent-7", "delete --purge agent-7", "delete --atomic agent-7 agent-8 agent-9"],
  flags: FLAGS,
  async run(invocation) {
    const { values } = invocation
    const agentIds = [...new Set(invocation.args)]
    const condition = expectedRevision(values)
    if (condition.expectedRevision !== undefined && agentIds.length > 1)
      throw new UsageError("--expected-revision requires exactly one AGENT")
    if (values.atomic && agentIds.length > LARGEST_BATCH)
      throw new UsageError(`--atomic accepts at most ${LARGEST_BATCH} agents`)
    const registry = invocation.registry()
    if (agentIds.length > 1) return await deleteMany(invocation, registry, agentIds)
    return await forEachAgent(invocation, async (agentId) => {
      const request = { agentId, ...condition }
      await printChange(
        invocation,
        deletedWord(values),
        agentId,
        values.purge ? await registry.purgeChain(request) : await registry.deleteChain(request),
      )
      return EXIT.done
    })
  },
})

/** Makes deleted chains active again. */
export const restore = command({
  args: "AGENT...",
  arity: [1, Infinity],
  summary: "make deleted chains active again",
  details:
    "Use `lift-suspension` for what `revoke --mode suspend` suspended. The chain of a revoked or suspended agent cannot be " +
    "restored; `revocations --agent AGENT --standing` lists the revocations.",
  examples: ["restore agent-7"],
  flags: REVISION_FLAG,
  run(invocation) {
    const condition = expectedRevision(invocation.values)
    const registry = invocation.registry()
    return forEachAgent(invocation, async (agentId) => {
      await printChange(
        invocation,
        "restored",
        agentId,
        await registry.restoreChain({ agentId, ...condition }),
      )
      return EXIT.done
    })
  },
})

async function deleteMany(
  invocation: Invocation<typeof FLAGS>,
  registry: TrustRegistry,
  agentIds: readonly string[],
): Promise<number> {
  const { purge = false, atomic = false } = invocation.values
  let exitCode: number = EXIT.done
  for (let first = 0; first < agentIds.length && exitCode <= EXIT.refused; first += LARGEST_BATCH) {
    const batch = agentIds.slice(first, first + LARGEST_BATCH)
    const results = await registry.batchDeleteChains({ agentIds: batch, purge, atomic })
    for (const [i, result] of results.entries()) await printResult(invocation, batch[i] ?? "", result)
    exitCode ||= exitCodeOfAll(results.flatMap(({ error }) => error ?? []))
  }
  return exitCode
}

/** In an atomic batch the reason is in the items that are not BATCH_REFUSED. */
function exitCodeOfAll(errors: readonly TrustStoreError[]): number {
  const [error] = [...errors.filter(({ reason }) => reason !== "BATCH_REFUSED"), ...errors]
  return error ? exitCodeOf(error) : EXIT.done
}

async function printResult(invocation: Invocation<typeof FLAGS>, agentId: string, result: DeleteResult) {
  if (result.error) await reportError(invocation, errorReportOf(result.error, { agentId }))
  else await printChange(invocation, deletedWord(invocation.values), agentId, result)
}

function deletedWord({ purge }: { purge?: boolean }) {
  return purge ? "purged" : "deleted"
}

type Outputs = Pick<Invocation, "json" | "out">

/** Prints what was done, or that it had been done before. */
async function printChange(
  { json, out }: Outputs,
  verb: "deleted" | "purged" | "restored",
  agentId: string,
  { record, unchanged = false }: { record?: ChainRecord | undefined; unchanged?: boolean },
) {
  if (json) return await out.json(JSON.stringify({ [verb]: !unchanged, record: recordJson(record) }))
  const done = unchanged ? BEFORE[verb] : verb
  await out.line(`${done} ${visibleName(agentId)} at revision ${record?.revision}`)
}

/** What is said of a chain that was so before. A purge always writes. */
const BEFORE = { deleted: "already deleted:", restored: "already active:", purged: "purged" }
