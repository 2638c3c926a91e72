import { once } from "node:events"
import { createWriteStream, type WriteStream } from "node:fs"
import { rename, rm } from "node:fs/promises"
import { documentFromChain } from "@trust-registry/eatp"
import { command } from "./command.js"
import { EXIT } from "./exit.js"
import { FILTER_FLAGS, filterOf } from "./filterFlags.js"
import { tellUnreadable } from "./list.js"
import { type Output, outputTo } from "./output.js"
import { progressOn } from "./progress.js"

const PAGE_SIZE = 1000

/** Writes chains as EATP documents. */
export const exportChains = command({
  args: "[FILE]",
  arity: [0, 1],
  summary: "write chains as EATP documents, one a line",
  details:
    "To standard output, or to a file that appears when it is complete. Signed values keep their text. Rows that do not " +
    "parse are named on standard error.",
  examples: ["export chains.jsonl", "export --all --authority org-acme | gzip > acme.jsonl.gz"],
  flags: FILTER_FLAGS,
  async run(invocation) {
    const { values, args, out, err, json } = invocation
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
    const [file] = args
    if (file === undefined || file === "-") await write(out)
    else {
      await writeWhole(file, write)
      await out.line(
        json ? JSON.stringify(counts) : `${counts.exported} exported, ${counts.unreadable} unreadable`,
      )
    }
    return counts.unreadable === 0 ? EXIT.done : EXIT.incomplete
  },
})

/** Writes beside the file and takes its place in the end: whoever reads it sees the old one or all of the new. */
async function writeWhole(file: string, write: (output: Output) => Promise<void>) {
  const partial = `${file}.${process.pid}.partial`
  const stream = createWriteStream(partial, { flags: "wx", flush: true })
  try {
    await once(stream, "open")
    await Promise.race([write(outputTo(stream)), failureOf(stream)])
    stream.end()
    await once(stream, "close")
    await rename(partial, file)
  } catch (error) {
    stream.destroy()
    await rm(partial, { force: true })
    throw error
  }
}

function failureOf(stream: WriteStream) {
  return new Promise<never>((_, reject) => stream.on("error", reject))
}
