import { setTimeout as sleep } from "node:timers/promises"
import { SignatureStatus } from "@trust-registry/proto"
import { ArchiveError } from "../../archiveFormat.js"
import type { ImportedChain } from "../../chainImport.js"
import type { TrustRegistry } from "../../connect.js"
import { archiveAmong } from "../archives/archiveHead.js"
import { readArchive, refuseArchive } from "../archives/archiveIn.js"
import { command, type Invocation } from "../command.js"
import { type Origin, openDocuments, type ReadDocument } from "../documents/documents.js"
import { documentErrorReport, type ErrorReport, errorReportOf, reportError } from "../errorReport.js"
import { COUNT } from "../flags/bounds.js"
import { countOf } from "../flags/flags.js"
import { onInterrupt, untilAborted } from "../interrupt.js"
import { EXIT, isRefusal } from "../output/exit.js"
import { type Progress, progressOn } from "../output/progress.js"

/** As many as the registry processes at once; more would only wait there. */
const DEFAULT_IN_FLIGHT = 2_000

const FLAGS = {
  "in-flight": {
    type: "string",
    value: "N",
    bounds: COUNT,
    help: `most documents in progress at once (default: ${DEFAULT_IN_FLIGHT})`,
  },
} as const

/** Stores an archive, or all documents of files and pipes, many at once. */
export const importChains = command({
  args: "[FILE...]",
  arity: [0, Infinity],
  summary: "store an archive, or many chains from EATP documents",
  details:
    "An archive, as `export` writes it, is checked whole before anything is stored: first what is revoked, then authorities, what " +
    "was purged, and chains in their states, delegators first. What is stored already stays as it is; if it differs, it is " +
    "reported. Run it again to continue one that was interrupted. History stays in the archive. Of documents it reads files, or " +
    "standard input without FILE or with `-`: one document a line, pretty-printed ones one after another, or an array. They are " +
    "read as a stream. Documents of one agent are stored in order, and a delegatee's after its delegators'. A refused document " +
    "is reported with its line, and the import continues. If the connection or the registry goes away, and on Ctrl-C, it stops " +
    "and prints the line to resume from. Storing a chain twice does no harm. UNVERIFIED counts stored chains with signatures " +
    "that could not be checked.",
  examples: [
    "import registry.archive",
    "import chains.jsonl",
    "export --address old:50051 | trust-registry import",
  ],
  flags: FLAGS,
  async run(invocation) {
    try {
      const archive = await archiveAmong(invocation.args)
      if (archive !== undefined) return await readArchive(invocation, archive)
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error
      return await refuseArchive(invocation, "stdin", error)
    }
    const files = await openDocuments(invocation.args)
    const run: Run = {
      invocation,
      registry: invocation.registry(),
      progress: progressOn(invocation.err, "documents"),
      counts: { created: 0, updated: 0, refused: 0, unverified: 0 },
      open: [],
      waiting: new Map(),
      last: undefined,
      read: 0,
      size: files.size,
    }
    const limit = countOf(invocation.values, "in-flight") ?? DEFAULT_IN_FLIGHT
    const documents = files.read((bytes) => (run.read += bytes))
    const interrupt = onInterrupt()
    let rest: Promise<IteratorResult<Origin>> | undefined
    const untilInterrupt = untilAborted(documents, interrupt.signal, (next) => (rest = next))
    try {
      const chains = readable(run, untilInterrupt, limit)
      const results = run.registry.importChains(chains, { waits: (index) => keepWaiting(run, index) })
      for await (const result of results) await handleResult(run, result)
    } catch (error) {
      run.progress.clear()
      await reportStop(run)
      await printCounts(run)
      throw error
    } finally {
      interrupt.end()
    }
    run.progress.clear()
    if (rest) await reportInterrupt(run, rest)
    await printCounts(run)
    if (rest) return EXIT.interrupted
    return run.counts.refused === 0 ? EXIT.done : EXIT.incomplete
  },
})

interface Run {
  invocation: Invocation<typeof FLAGS>
  registry: TrustRegistry
  progress: Progress
  /** `unverified` counts stored chains with signatures that could not be checked. */
  counts: { created: number; updated: number; refused: number; unverified: number }
  /** Documents that were read but neither stored nor refused yet, in order. */
  open: ReadDocument[]
  /** Where the documents before them are that wait for a delegator, in order, by the index of their chains. */
  waiting: Map<number, Origin & { agentId: string | undefined }>
  /** Signals that there is room for one more. */
  room?: () => void
  /** The last document that was started. */
  last: Origin | undefined
  read: number
  size: number | undefined
}

/** Yields the chains of the documents. Unreadable ones are refused in their turn. */
async function* readable(run: Run, documents: AsyncIterable<ReadDocument>, limit: number) {
  for await (const document of documents) {
    run.last = document
    run.open.push(document)
    if (document.chain) yield { chain: document.chain, chainHash: document.chainHash ?? "" }
    else if (run.open[0] === document) await refuseUnreadable(run)
    while (run.open.length >= limit) await new Promise<void>((resolve) => (run.room = resolve))
    tick(run)
  }
}

/** Refuses unreadable documents at the head: one waits until all before it have a result, so that errors are in line order. */
async function refuseUnreadable(run: Run) {
  for (let [next] = run.open; next && !next.chain; [next] = run.open) {
    await refuse(run, documentErrorReport(next))
    run.open.shift()
  }
}

/** The first open document waits for a delegator that comes later in the files. */
function keepWaiting(run: Run, index: number) {
  const document = run.waiting.has(index) ? undefined : run.open.shift()
  // Not its chain: any number may wait.
  if (document)
    run.waiting.set(index, {
      file: document.file,
      line: document.line,
      agentId: document.chain?.genesis?.agentId,
    })
  run.room?.()
}

/** Handles the result of the first open document, for results arrive in document order, or of one that had to wait. */
async function handleResult(run: Run, { index, stored, error }: ImportedChain) {
  const place = run.waiting.get(index)
  if (stored) {
    run.counts[stored.created ? "created" : "updated"]++
    if (stored.record?.signatureStatus === SignatureStatus.UNVERIFIED) run.counts.unverified++
  } else if (!isRefusal(error)) throw error
  else if (place) {
    const origin = { file: place.file, line: place.line }
    await refuse(run, errorReportOf(error, { origin, agentId: place.agentId }))
  } else await refuse(run, documentErrorReport(run.open[0] as ReadDocument, error))
  if (place) run.waiting.delete(index)
  else run.open.shift()
  await refuseUnreadable(run)
  run.room?.()
  tick(run)
}

function tick({ counts, progress, size, read }: Run) {
  const { created, updated, refused } = counts
  progress.tick(created + updated + refused, size ? read / size : undefined)
}

async function refuse({ counts, progress, invocation }: Run, report: ErrorReport) {
  counts.refused++
  progress.clear()
  await reportError(invocation, report)
}

/** Reports the first open document; all before it were stored or refused. */
async function reportStop({ invocation, open, waiting }: Run) {
  const [first = open[0]] = waiting.values()
  if (!first) return
  const origin = { file: first.file, line: first.line }
  const message = "stopped; this document may not be stored: resume from this line (all before it are done)"
  await reportError(invocation, { origin, reason: "STOPPED", message })
}

/** The next document is known at once, unless a pipe has not delivered it yet. */
async function reportInterrupt({ invocation, last }: Run, rest: Promise<IteratorResult<Origin>>) {
  const next = await Promise.race([rest, sleep(NEXT_WITHIN_MS)])
  if (next?.done) return
  const [place, message] = next
    ? [next.value, "interrupted: resume from this line (all before it are done)"]
    : [last, "interrupted: resume after this document (it and all before it are done)"]
  const origin = place ? { origin: { file: place.file, line: place.line } } : {}
  await reportError(invocation, { ...origin, reason: "STOPPED", message })
}

const NEXT_WITHIN_MS = 200

async function printCounts({ invocation: { json, out }, counts }: Run) {
  const { created, updated, refused, unverified } = counts
  const text = `${created} created, ${updated} updated, ${refused} refused`
  if (json) await out.json(JSON.stringify(counts))
  else await out.line(unverified ? `${text}; ${unverified} UNVERIFIED` : text)
}
