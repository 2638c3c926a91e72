import { createWriteStream } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { SignatureStatus } from "@trust-registry/proto"
import { ArchiveError } from "../../archiveFormat.js"
import type { ArchiveResult } from "../../archiveImport.js"
import type { Invocation } from "../command.js"
import { errorReportOf, reportError } from "../errorReport.js"
import { onInterrupt } from "../interrupt.js"
import { EXIT } from "../output/exit.js"
import { progressOn } from "../output/progress.js"

/** Imports an archive from a file, or from standard input by way of a temporary one. Returns the exit code. */
export async function readArchive(invocation: Invocation<object>, name: string): Promise<number> {
  if (name !== "-") return await importFrom(invocation, name, name)
  // It is read whole before anything is written, and then once for each kind.
  const folder = await mkdtemp(join(tmpdir(), "trust-registry-"))
  try {
    const file = join(folder, "archive")
    await pipeline(process.stdin, createWriteStream(file, { mode: 0o600 }))
    return await importFrom(invocation, file, "stdin")
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Counts {
  created: number
  unchanged: number
  refused: number
  unverified: number
}

async function importFrom(invocation: Invocation<object>, file: string, shown: string): Promise<number> {
  const counts: Counts = { created: 0, unchanged: 0, refused: 0, unverified: 0 }
  const progress = progressOn(invocation.err, "entries")
  const interrupt = onInterrupt()
  try {
    for await (const result of invocation.registry().importArchive(file, { signal: interrupt.signal })) {
      await handle(invocation, counts, shown, result, progress.clear)
      progress.tick(counts.created + counts.unchanged + counts.refused)
    }
  } catch (error) {
    progress.clear()
    if (error instanceof ArchiveError) return await refuseArchive(invocation, shown, error)
    const message = "stopped: run the same import again to continue; what is stored is not stored twice"
    await reportError(invocation, { reason: "STOPPED", message })
    await printCounts(invocation, counts)
    if (interrupt.signal.aborted) return EXIT.interrupted
    throw error
  } finally {
    interrupt.end()
  }
  progress.clear()
  await printCounts(invocation, counts)
  return counts.refused === 0 ? EXIT.done : EXIT.incomplete
}

/** Reports an archive that is not as it was written. Returns the exit code. */
export async function refuseArchive(
  invocation: Invocation<object>,
  shown: string,
  { message }: ArchiveError,
): Promise<number> {
  await reportError(invocation, {
    reason: "INVALID_ARCHIVE",
    message: `${shown}: ${message}; nothing was imported`,
  })
  return EXIT.refused
}

async function handle(
  invocation: Invocation<object>,
  counts: Counts,
  file: string,
  { kind, line, id, created, record, error }: ArchiveResult,
  clear: () => void,
) {
  if (kind === "chain" && record?.signatureStatus === SignatureStatus.UNVERIFIED) counts.unverified++
  if (!error) {
    counts[created ? "created" : "unchanged"]++
    return
  }
  counts.refused++
  clear()
  const about = kind === "authority" ? { authorityId: id } : { agentId: id }
  await reportError(invocation, errorReportOf(error, { origin: { file, line }, ...about }))
}

async function printCounts({ json, out }: Invocation<object>, counts: Counts) {
  const { created, unchanged, refused, unverified } = counts
  if (json) return await out.json(JSON.stringify(counts))
  const text = `${created} created, ${unchanged} unchanged, ${refused} refused`
  await out.line(unverified ? `${text}; ${unverified} UNVERIFIED` : text)
}
