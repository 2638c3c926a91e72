import { documentFromChain, visibleName } from "@trust-registry/eatp"
import type { StoredChain } from "@trust-registry/proto"
import { forEachAgent } from "../agents.js"
import { command } from "../command.js"
import { CONSISTENCY_FLAGS, consistencyOf } from "../flags/consistencyFlags.js"
import { EXIT } from "../output/exit.js"
import { recordJson, revokedFrom } from "../output/records.js"

/** Prints the chains of agents as EATP documents. */
export const get = command({
  args: "AGENT...",
  arity: [1, Infinity],
  summary: "print the chains of agents as EATP documents, one a line",
  details:
    "With --json each line has the document as `chain` and its record as `record`. Of a chain whose graceful revocation is " +
    "pending, a note on standard error says so.",
  examples: [
    "get agent-7",
    "get agent-7 | jq .genesis",
    "get --include-inactive --json agent-7",
    "get --at-revision 1200 agent-7",
  ],
  flags: {
    "include-inactive": { type: "boolean", help: "include deleted, suspended, revoked and expired chains" },
    ...CONSISTENCY_FLAGS,
  },
  run(invocation) {
    const registry = invocation.registry()
    const includeInactive = invocation.values["include-inactive"] ?? false
    const consistency = consistencyOf(invocation.values)
    return forEachAgent(invocation, async (agentId) => {
      const stored = await registry.getChain({ agentId, includeInactive, ...consistency })
      await invocation.out.json(invocation.json ? storedChainJson(stored) : documentOf(stored))
      const revokesAt = stored.record?.revokesAt
      if (revokesAt && !invocation.json)
        await invocation.err.line(`note: ${visibleName(agentId)} is ${revokedFrom(revokesAt)}`)
      return EXIT.done
    })
  },
})

/** The document is inserted as text: parsing it would change its numbers. */
function storedChainJson(stored: StoredChain) {
  return `{"chain":${documentOf(stored)},"record":${JSON.stringify(recordJson(stored.record))}}`
}

function documentOf({ chain }: StoredChain) {
  if (!chain) throw new Error("the registry returned no chain")
  return documentFromChain(chain)
}
