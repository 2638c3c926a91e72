import { status } from "@grpc/grpc-js"
import { visibleName } from "@trust-registry/eatp"
import { type ChainEvent, ChainView } from "@trust-registry/proto"
import { storedChainOf } from "../../chainEvent.js"
import type { WatchState } from "../../chainWatch.js"
import { TrustStoreError } from "../../errors.js"
import { DEFAULT_TIMEOUT_MS } from "../../options.js"
import { command, type Invocation } from "../command.js"
import { messageWithHint } from "../documents/connectionHint.js"
import { reportError } from "../errorReport.js"
import { REVISION } from "../flags/bounds.js"
import { FILTER_FLAGS, filterOf } from "../flags/filterFlags.js"
import { revisionOf } from "../flags/flags.js"
import { onInterrupt } from "../interrupt.js"
import { eventJson, eventWord } from "../output/changeJson.js"
import { EXIT } from "../output/exit.js"
import { momentText, statusWord } from "../output/records.js"
import { UsageError } from "../usage.js"

/** Prints changes of chains as they happen. */
export const watch = command({
  args: "",
  arity: [0, 0],
  summary: "print changes of chains as they happen, one a line, until Ctrl-C",
  details:
    "Fails if the registry does not respond within --timeout-ms at first. Later it reconnects by itself, misses nothing, and " +
    "reports on standard error when the connection is lost and restored. Ctrl-C ends it and prints the flag to resume " +
    "with. Each line has revision, operation, agent, status, expiry, time and author. The operation is `current` " +
    "for what --include-current prints, and `left` for a change that took a chain out of the filter. With --json each line " +
    "includes the chain.",
  examples: [
    "watch",
    "watch --from 1042 --prefix billing-",
    "watch --include-current --json | jq .record.agent_id",
  ],
  flags: {
    ...FILTER_FLAGS,
    from: {
      type: "string",
      value: "REVISION",
      bounds: REVISION,
      help: "the first revision to print (default: from now on)",
    },
    "include-current": { type: "boolean", help: "print the current chains first" },
  },
  async run(invocation) {
    const { values, json, out, err, registry: connect } = invocation
    const from = revisionOf(values, "from")
    if (from !== undefined && values["include-current"])
      throw new UsageError("--from and --include-current cannot be combined")
    const filter = filterOf(values)
    const registry = connect()
    const interrupt = onInterrupt()
    const connection = connectionReporter(invocation)
    const view = json ? ChainView.FULL : ChainView.RECORD
    const changes = registry.watchChains(
      { filter, view, startRevision: from ?? 0n, includeCurrent: values["include-current"] ?? false },
      { signal: AbortSignal.any([interrupt.signal, connection.late]), onState: connection.onState },
    )
    let next = from ?? 0n
    try {
      for await (const { events, nextRevision } of changes.responses()) {
        for (const event of events) {
          await (json ? out.json(eventJson(event)) : out.line(eventLine(event)))
          next = (storedChainOf(event)?.record?.revision ?? next - 1n) + 1n
        }
        next = nextRevision
      }
    } catch (error) {
      if (!interrupt.signal.aborted) throw error
    } finally {
      connection.end()
      interrupt.end()
    }
    await err.line(next > 0n ? `resume with: --from ${next}` : "the watch had not started")
    return EXIT.interrupted
  },
})

/** Reports changes of the connection. `late` is aborted with an error if there is no first connection in time. */
function connectionReporter({ json, err, timeoutMs = DEFAULT_TIMEOUT_MS }: Invocation) {
  const late = new AbortController()
  let begun = false
  let first: TrustStoreError | undefined
  const timer = setTimeout(() => late.abort(first ?? noAnswer(timeoutMs)), timeoutMs)
  const report = (reason: string, message: string) => void reportError({ json, err }, { reason, message })
  const onState = ({ open, nextRevision, error }: WatchState) => {
    if (!open && !begun) first = error
    else if (!open) {
      const why = error ? ` (${messageWithHint(error)})` : ""
      report(
        "CONNECTION_LOST",
        `connection lost${why}; the watch resumes from revision ${nextRevision} when it is restored`,
      )
    } else if (begun)
      report("CONNECTION_RESTORED", `connection restored; the watch resumes from revision ${nextRevision}`)
    begun ||= open
    if (begun) clearTimeout(timer)
  }
  return { late: late.signal, onState, end: () => clearTimeout(timer) }
}

function noAnswer(timeoutMs: number) {
  const message = `the registry did not respond within ${timeoutMs} ms`
  return new TrustStoreError(message, { code: status.DEADLINE_EXCEEDED, reason: "DEADLINE_EXCEEDED" })
}

function eventLine(event: ChainEvent): string {
  const { record } = storedChainOf(event) ?? {}
  if (!record) return ""
  const { revision, agentId, expiresAt, updatedAt, updatedBy } = record
  const cells = [
    `${revision}`,
    eventWord(event),
    visibleName(agentId),
    statusWord(record),
    momentText(expiresAt),
    momentText(updatedAt),
    visibleName(updatedBy),
  ]
  return cells.join("  ")
}
