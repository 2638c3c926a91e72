import { decode, encode, ImportChainsRequestSchema } from "@trust-registry/proto"
import { agentIdOf, type Sent } from "./chainImport.js"
import { openSpool } from "./spool.js"

/** Chains that wait for a delegator. */
export interface Waiting {
  readonly count: number
  /** Their agents. */
  readonly agents: ReadonlySet<string>
  add(sent: Sent): void
  all(): Generator<Sent>
  remove(): void
}

/** Starts with none. */
export function openWaiting(): Waiting {
  const spool = openSpool()
  const agents = new Set<string>()
  return {
    get count() {
      return spool.count
    },
    agents,
    add({ index, request }) {
      agents.add(agentIdOf(request) ?? "")
      spool.add(index, encode(ImportChainsRequestSchema, request))
    },
    *all() {
      for (const { number, bytes } of spool.all())
        yield { index: number, request: decode(ImportChainsRequestSchema, bytes) }
    },
    remove: spool.remove,
  }
}
