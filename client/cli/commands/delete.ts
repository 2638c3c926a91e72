import type { ChainRecord } from "@trust-registry/proto"
import { forEachAgent } from "../agents.js"
import { command, type Invocation } from "../command.js"
import { expectedRevision, REVISION_FLAG } from "../flags/writeFlags.js"
import { EXIT } from "../output/exit.js"
import { recordJson } from "../output/records.js"
import { visible } from "../output/visible.js"

/** Deletes the chains of agents. */
export const remove = command({
  args: "AGENT...",
  arity: [1, Infinity],
  summary: "delete the chains of agents; `restore` brings them back",
  examples: ["delete agent-7", "delete --hard agent-7"],
  flags: {
    ...REVISION_FLAG,
    hard: { type: "boolean", help: "for good, with the documents in the history" },
  },
  run(invocation) {
    const condition = expectedRevision(invocation.values)
    const softDelete = !invocation.values.hard
    const registry = invocation.registry()
    return forEachAgent(invocation, async (agentId) => {
      const { record } = await registry.deleteChain({ agentId, softDelete, ...condition })
      return await tell(invocation, "deleted", agentId, record)
    })
  },
})

/** Makes deleted chains active again. */
export const restore = command({
  args: "AGENT...",
  arity: [1, Infinity],
  summary: "make deleted chains active again",
  details:
    "What `revoke --mode suspend` suspended is lifted by `lift-suspension`. While an agent stands revoked or suspended its " +
    "chain is not restored; `revocations --agent AGENT --standing` tells by what.",
  examples: ["restore agent-7"],
  flags: REVISION_FLAG,
  run(invocation) {
    const condition = expectedRevision(invocation.values)
    const registry = invocation.registry()
    return forEachAgent(invocation, async (agentId) => {
      const { record } = await registry.restoreChain({ agentId, ...condition })
      return await tell(invocation, "restored", agentId, record)
    })
  },
})

type Told = Pick<Invocation, "json" | "out">

async function tell({ json, out }: Told, verb: string, agentId: string, record: ChainRecord | undefined) {
  if (json) await out.json(JSON.stringify({ [verb]: true, record: recordJson(record) }))
  else await out.line(`${verb} ${visible(agentId)} at revision ${record?.revision}`)
  return EXIT.done
}
