import { documentFromChain } from "@trust-registry/eatp"
import type { StoredChain } from "@trust-registry/proto"
import type { ChainExport } from "../../chainExport.js"
import { writeArchive } from "../archives/archiveOut.js"
import { command, type Invocation, type Values } from "../command.js"
import { exportTarget } from "../documents/exportTarget.js"
import { reportError } from "../errorReport.js"
import { REVISION } from "../flags/bounds.js"
import { FILTER_FLAGS, filterOf } from "../flags/filterFlags.js"
import { revisionOf } from "../flags/flags.js"
import { onInterrupt } from "../interrupt.js"
import { EXIT, exitCodeOf } from "../output/exit.js"
import type { Output } from "../output/output.js"
import { progressOn } from "../output/progress.js"
import { UsageError } from "../usage.js"
import { reportUnreadable } from "./list.js"

const FLAGS = {
  documents: { type: "boolean", help: "write chains alone, as EATP documents, one a line" },
  history: { type: "boolean", help: "add every change that history keeps to the archive" },
  ...FILTER_FLAGS,
  after: {
    type: "string",
    value: "AGENT",
    help: "resume after this agent, the last one that an export wrote",
  },
  "snapshot-revision": {
    type: "string",
    value: "N",
    bounds: REVISION,
    help: "export the state at revision N (default: the newest)",
  },
} as const

/** Writes an archive of the registry, or chains as EATP documents. */
export const exportChains = command({
  args: "[FILE]",
  arity: [0, 1],
  summary: "write an archive of the registry, or chains as EATP documents",
  details:
    "An archive is whole: chains in their states, what is revoked or suspended, authorities with their keys' marks, and what " +
    "was purged, as they were at one revision, which is printed at the end: a watch continues from there. `import` reads it, and " +
    "refuses one that was cut short or altered. With --documents it writes chains alone, those that the other flags select, with " +
    "signed values as they are; where they are imported, nothing is revoked. Writes to standard output without FILE or with " +
    "`-`, to a device or named pipe, or to a file, which it replaces once the export is complete. Rows that do not parse are " +
    "reported on standard error. If the registry goes away, and on Ctrl-C, --documents prints the flags to resume what was " +
    "written to standard output; of a FILE nothing is kept.",
  examples: [
    "export registry.archive",
    "export --history | gzip > registry.archive.gz",
    "export --documents --all --authority org-acme | gzip > acme.jsonl.gz",
    "export --documents --after agent-0815 --snapshot-revision 1041 >> chains.jsonl",
  ],
  flags: FLAGS,
  async run(invocation) {
    if (!invocation.values.documents) {
      assureWhole(invocation.values)
      return await writeArchive(invocation, invocation.args[0], invocation.values.history === true)
    }
    if (invocation.values.history) throw new UsageError("--history is for archives, not for --documents")
    const request = requestOf(invocation.values)
    const target = await exportTarget(invocation.args[0])
    const stop = new AbortController()
    const chains = invocation.registry().exportChains(request, { signal: stop.signal })
    const counts = { exported: 0, unreadable: 0 }
    const run: Run = { invocation, chains, counts, last: request.afterAgentId, stop }
    try {
      if (target) await target.fill((output) => write(run, output))
      else await write(run, invocation.out)
    } catch (error) {
      if (stop.signal.aborted || exitCodeOf(error) === EXIT.unavailable)
        await reportStop(run, target?.replaces === true)
      if (stop.signal.aborted) return EXIT.interrupted
      throw error
    }
    await printSummary(run, target ? invocation.out : invocation.err)
    await reportError(invocation, { reason: "WARNING", message: LEFT_BEHIND })
    return counts.unreadable === 0 ? EXIT.done : EXIT.incomplete
  },
})

const LEFT_BEHIND =
  "documents alone were written: states, revocations, suspensions, purges, authorities and marks of keys were left behind, and what " +
  "is revoked here is trusted where they are imported; an export without --documents is whole"

/** Refuses every flag that selects chains but --all, which an archive means anyway. */
function assureWhole(values: Values<typeof FLAGS>) {
  const { documents, history, all, ...selecting } = FLAGS
  const flag = Object.keys(selecting).find((name) => values[name as keyof typeof selecting] !== undefined)
  if (flag !== undefined)
    throw new UsageError(
      `--${flag} selects chains, and an archive is whole: add --documents to write chains alone`,
    )
}

interface Run {
  invocation: Invocation<typeof FLAGS>
  chains: ChainExport
  counts: { exported: number; unreadable: number }
  /** The last agent that was written or reported as unreadable. Empty: none. */
  last: string
  /** Aborted by Ctrl-C. */
  stop: AbortController
}

function requestOf(values: Values<typeof FLAGS>) {
  const { after = "" } = values
  const snapshot = revisionOf(values, "snapshot-revision")
  if (after !== "" && snapshot === undefined)
    throw new UsageError("--after requires --snapshot-revision, so that both parts are from one state")
  return { filter: filterOf(values), afterAgentId: after, snapshotRevision: snapshot ?? 0n }
}

/** From here on Ctrl-C stops the export in good order; before the target is open it just ends the process. */
async function write(run: Run, output: Output) {
  const interrupt = onInterrupt()
  interrupt.signal.addEventListener("abort", () => run.stop.abort(), { once: true })
  const progress = progressOn(run.invocation.err, "chains")
  try {
    for await (const stored of run.chains) {
      if (!stored.chain) progress.clear()
      await writeOne(run, output, stored)
      // A bar would overwrite the documents if both go to one terminal.
      if (!output.terminal) progress.tick(run.counts.exported)
    }
  } finally {
    progress.clear()
    interrupt.end()
  }
}

async function writeOne(run: Run, output: Output, stored: StoredChain) {
  const { chain, record } = stored
  if (chain) await output.json(documentFromChain(chain))
  else await reportUnreadable(run.invocation, [stored])
  run.counts[chain ? "exported" : "unreadable"]++
  run.last = record?.agentId ?? run.last
}

/** Reports how to resume. What was written for a file to be replaced is gone; other output can be resumed. */
async function reportStop({ invocation, chains, counts, last, stop }: Run, replaces: boolean) {
  const { snapshotRevision } = chains
  const what = stop.signal.aborted ? "interrupted" : "stopped"
  const after = last === "" ? "" : `--after=${shellWord(last)} `
  const next = replaces
    ? "nothing was kept, since only a complete export replaces a file: start again, or export to standard output, " +
      "which can be resumed"
    : snapshotRevision === undefined
      ? "start again"
      : `resume with: --documents ${after}--snapshot-revision=${snapshotRevision}`
  await reportError(invocation, {
    reason: "STOPPED",
    message: `${what} after ${counts.exported} chains; ${next}`,
  })
}

function shellWord(text: string) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

async function printSummary({ invocation: { json }, chains, counts }: Run, output: Output) {
  const { exported, unreadable } = counts
  const revision = chains.snapshotRevision ?? 0n
  const text = `${exported} exported, ${unreadable} unreadable, as of revision ${revision}; continue with: watch --from ${revision + 1n}`
  await output.line(json ? JSON.stringify({ ...counts, snapshot_revision: `${revision}` }) : text)
}
