import type { ArchiveExport } from "../../archiveExport.js"
import type { Invocation } from "../command.js"
import { exportTarget } from "../documents/exportTarget.js"
import { reportError } from "../errorReport.js"
import { onInterrupt } from "../interrupt.js"
import { EXIT, exitCodeOf } from "../output/exit.js"
import type { Output } from "../output/output.js"
import { progressOn } from "../output/progress.js"

/** Writes the archive of a registry to a file or to standard output. Returns the exit code. */
export async function writeArchive(
  invocation: Invocation<object>,
  name: string | undefined,
  history: boolean,
) {
  const target = await exportTarget(name)
  const interrupt = onInterrupt()
  const archive = invocation.registry().exportArchive({ history }, { signal: interrupt.signal })
  const write = (output: Output) => writeLines(invocation, archive, output)
  try {
    if (target) await target.fill(write)
    else await write(invocation.out)
  } catch (error) {
    if (!interrupt.signal.aborted && exitCodeOf(error) !== EXIT.unavailable) throw error
    const message = "the archive is not whole, and an import will refuse it: start again"
    await reportError(invocation, { reason: "STOPPED", message })
    if (interrupt.signal.aborted) return EXIT.interrupted
    throw error
  } finally {
    interrupt.end()
  }
  await printSummary(invocation, archive, target ? invocation.out : invocation.err)
  return archive.unreadable.length === 0 ? EXIT.done : EXIT.incomplete
}

async function writeLines({ err }: Invocation<object>, archive: ArchiveExport, output: Output) {
  const progress = progressOn(err, "entries")
  let written = 0
  try {
    for await (const line of archive) {
      await output.json(line.slice(0, -1))
      // A bar would overwrite the lines if both go to one terminal.
      if (!output.terminal) progress.tick(++written)
    }
  } finally {
    progress.clear()
  }
}

async function printSummary(invocation: Invocation<object>, archive: ArchiveExport, output: Output) {
  const { counts, unreadable, snapshotRevision: revision = 0n } = archive
  for (const agentId of unreadable) {
    const message =
      "the stored chain does not parse: the archive has it as purged, so that what it delegated stays denied"
    await reportError(invocation, { agentId, reason: "TRUST_CHAIN_CORRUPT", message })
  }
  if (invocation.json)
    return await output.line(
      JSON.stringify({ ...counts, unreadable: unreadable.length, snapshot_revision: `${revision}` }),
    )
  const history = counts.change > 0 ? `, ${counts.change} changes` : ""
  await output.line(
    `archive of ${counts.chain} chains, ${counts.authority} authorities, ${counts.revoked} revoked records, ` +
      `${counts.purged} purged${history}, as of revision ${revision}; continue with: watch --from ${revision + 1n}`,
  )
}
