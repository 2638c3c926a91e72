import { documentFromChain } from "@trust-registry/eatp"
import { command } from "./command.js"
import { EXIT } from "./exit.js"
import { exportTarget } from "./exportTarget.js"
import { FILTER_FLAGS, filterOf } from "./filterFlags.js"
import { tellUnreadable } from "./list.js"
import type { Output } from "./output.js"
import { progressOn } from "./progress.js"

const PAGE_SIZE = 1000

/** Writes chains as EATP documents. */
export const exportChains = command({
  args: "[FILE]",
  arity: [0, 1],
  summary: "write chains as EATP documents, one a line",
  details:
    "To standard output (`-` or no FILE), to a file that appears, or takes the place of an older one, when it is complete, " +
    "or into a device or named pipe. Signed values keep their text. Rows that do not parse are named on standard error.",
  examples: ["export chains.jsonl", "export --all --authority org-acme | gzip > acme.jsonl.gz"],
  flags: FILTER_FLAGS,
  async run(invocation) {
    const { values, args, out, err, json } = invocation
    const target = await exportTarget(args[0])
    const registry = invocation.registry()
    const progress = progressOn(err, "chains")
    const counts = { exported: 0, unreadable: 0 }
    const pages = registry.listChains({ filter: filterOf(values), pageSize: PAGE_SIZE }).pages()
    const write = async (output: Output) => {
      for await (const { chains, unreadable } of pages) {
        for (const { chain } of chains) if (chain) await output.json(documentFromChain(chain))
        counts.exported += chains.length
        counts.unreadable += unreadable.length
        // A bar would run through the documents where both go to one terminal.
        if (!output.terminal) progress.tick(counts.exported)
        if (unreadable.length > 0) progress.clear()
        await tellUnreadable(invocation, unreadable)
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
