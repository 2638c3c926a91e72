import { documentFromChain } from "@trust-registry/eatp"
import { command } from "../command.js"
import { exportTarget } from "../documents/exportTarget.js"
import { FILTER_FLAGS, filterOf } from "../flags/filterFlags.js"
import { EXIT } from "../output/exit.js"
import type { Output } from "../output/output.js"
import { progressOn } from "../output/progress.js"
import { tellUnreadable } from "./list.js"

/** Writes chains as EATP documents. */
export const exportChains = command({
  args: "[FILE]",
  arity: [0, 1],
  summary: "write chains as EATP documents, one a line",
  details:
    "To standard output (`-` or no FILE), to a file that appears, or takes the place of an older one, when it is complete, " +
    "or into a device or named pipe. All chains are as they stood at one moment. Signed values keep their text. Rows that do not parse are named on standard error.",
  examples: ["export chains.jsonl", "export --all --authority org-acme | gzip > acme.jsonl.gz"],
  flags: FILTER_FLAGS,
  async run(invocation) {
    const { values, args, out, err, json } = invocation
    const target = await exportTarget(args[0])
    const registry = invocation.registry()
    const progress = progressOn(err, "chains")
    const counts = { exported: 0, unreadable: 0 }
    const chains = registry.exportChains({ filter: filterOf(values) })
    const write = async (output: Output) => {
      for await (const { chain, record } of chains) {
        if (chain) {
          await output.json(documentFromChain(chain))
          counts.exported++
        } else {
          progress.clear()
          await tellUnreadable(invocation, [record])
          counts.unreadable++
        }
        // A bar would run through the documents where both go to one terminal.
        if (!output.terminal) progress.tick(counts.exported)
      }
      progress.clear()
    }
    if (!target) await write(out)
    else {
      await target(write)
      await out.line(
        json ? JSON.stringify(counts) : `${counts.exported} exported, ${counts.unreadable} unreadable`,
      )
    }
    return counts.unreadable === 0 ? EXIT.done : EXIT.incomplete
  },
})
