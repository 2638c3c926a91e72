import { setTimeout as sleep } from "node:timers/promises"
import { SignatureStatus } from "@trust-registry/proto"
import type { ImportedChain } from "../../chainImport.js"
import type { TrustRegistry } from "../../connect.js"
import { command, type Invocation } from "../command.js"
import { type Origin, openDocuments, type ReadDocument } from "../documents/documents.js"
import { documentErrorReport, reportError } from "../errorReport.js"
import { countOf } from "../flags/flags.js"
import { onInterrupt, untilAborted } from "../interrupt.js"
import { EXIT, isRefusal } from "../output/exit.js"
import { type Progress, progressOn } from "../output/progress.js"

/** As many as the registry works on at once; more only wait there. */
const DEFAULT_IN_FLIGHT = 2_000

const FLAGS = {
  "in-flight": {
    type: "string",
    value: "N",
    help: `so many documents at once (default: ${DEFAULT_IN_FLIGHT})`,
  },
} as const

/** Stores all documents of files and pipes, many at once. */
export const importChains = command({
  args: "[FILE...]",
  arity: [0, Infinity],
  summary: "store many chains from EATP documents",
  details:
    "Reads files, or standard input for `-` or none: one document a line, pretty-printed documents one after another, or " +
    "an array of them; no more than one is held in memory. Documents of one agent are stored in their order. A document " +
    "that is refused is named with its line, and the rest goes on. When the line or the registry goes away it stops, and says " +
    "from which line on to go on; so it does on Ctrl-C. To store a chain again does no harm. UNVERIFIED are " +
    "those stored of which not every signature could be checked.",
  examples: ["import chains.jsonl", "export --address old:50051 | trust-registry import"],
  flags: FLAGS,
  async run(invocation) {
    const files = await openDocuments(invocation.args)
    const run: Run = {
      invocation,
      registry: invocation.registry(),
      progress: progressOn(invocation.err, "documents"),
      counts: { created: 0, updated: 0, refused: 0, unverified: 0 },
      open: [],
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
      for await (const result of run.registry.importChains(readable(run, untilInterrupt, limit))) {
        await handleResult(run, result)
      }
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
  /** UNVERIFIED are those stored of which not every signature could be checked. */
  counts: { created: number; updated: number; refused: number; unverified: number }
  /** Documents that were read and neither stored nor refused yet, in their order. */
  open: ReadDocument[]
  /** Tells that there is room for one more. */
  room?: () => void
  /** The last document that was begun. */
  last: Origin | undefined
  read: number
  size: number | undefined
}

/** The chains of the documents; those that are none are refused in their turn. */
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

/** Those at the head: one that is none waits until all before it are answered, so that refusals come in the order of lines. */
async function refuseUnreadable(run: Run) {
  for (let [next] = run.open; next && !next.chain; [next] = run.open) {
    await refuse(run, next)
    run.open.shift()
  }
}

/** Results come in the order of the documents. */
async function handleResult(run: Run, { stored, error }: ImportedChain) {
  const document = run.open[0] as ReadDocument
  if (stored) {
    run.counts[stored.created ? "created" : "updated"]++
    if (stored.record?.signatureStatus === SignatureStatus.UNVERIFIED) run.counts.unverified++
  } else if (isRefusal(error)) await refuse(run, document, error)
  else throw error
  run.open.shift()
  await refuseUnreadable(run)
  run.room?.()
  tick(run)
}

function tick({ counts, progress, size, read }: Run) {
  const { created, updated, refused } = counts
  progress.tick(created + updated + refused, size ? read / size : undefined)
}

async function refuse({ counts, progress, invocation }: Run, document: ReadDocument, error?: unknown) {
  counts.refused++
  progress.clear()
  await reportError(invocation, documentErrorReport(document, error))
}

/** All before the first document that is still open were stored or refused. */
async function reportStop({ invocation, open }: Run) {
  const [first] = open
  if (!first) return
  const origin = { file: first.file, line: first.line }
  const message = "stopped; this document was perhaps not stored: go on from here (all before it are done)"
  await reportError(invocation, { origin, reason: "STOPPED", message })
}

/** The next document is known at once, unless it is still on its way through a pipe. */
async function reportInterrupt({ invocation, last }: Run, rest: Promise<IteratorResult<Origin>>) {
  const next = await Promise.race([rest, sleep(NEXT_WITHIN_MS)])
  if (next?.done) return
  const [place, message] = next
    ? [next.value, "interrupted: go on from this line (all before it is done)"]
    : [last, "interrupted: all up to this document is done; go on behind it"]
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
