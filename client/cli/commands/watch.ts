import { visibleName } from "@trust-registry/eatp"
import { type ChainEvent, ChainView } from "@trust-registry/proto"
import { storedChainOf } from "../../chainEvent.js"
import { command } from "../command.js"
import { REVISION } from "../flags/bounds.js"
import { FILTER_FLAGS, filterOf } from "../flags/filterFlags.js"
import { revisionOf } from "../flags/flags.js"
import { onInterrupt } from "../interrupt.js"
import { eventJson, eventWord } from "../output/changeJson.js"
import { EXIT } from "../output/exit.js"
import { momentText, statusText } from "../output/records.js"
import { revokedKeyReport } from "../revokedKeys.js"
import { UsageError } from "../usage.js"
import { watchReport } from "../watchReport.js"

/** Prints changes of chains as they happen. */
export const watch = command({
  args: "",
  arity: [0, 0],
  summary: "print changes of chains as they happen, one a line, until Ctrl-C",
  details:
    "Fails if the registry does not respond within --timeout-ms at first. Later it reconnects by itself, misses nothing, and " +
    "reports on standard error when the connection is lost and restored, and when the registry falls silent or cannot read its " +
    "database (BEHIND, then CAUGHT_UP). Ctrl-C ends it and prints the flag to resume with. Each line has revision, operation, " +
    "agent, status, expiry, time and author. The operation is `current` for what --include-current prints, `left` for a change " +
    "that took a chain out of the filter, and `key_revoked` for a key of an authority, whatever the filter: chains that it signed " +
    "may be denied from then on. With --json each line includes the chain.",
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
    "include-current": { type: "boolean", help: "print the current chains, and the revoked keys, first" },
  },
  async run(invocation) {
    const { values, json, out, err, timeoutMs, registry: connect } = invocation
    const from = revisionOf(values, "from")
    if (from !== undefined && values["include-current"])
      throw new UsageError("--from and --include-current cannot be combined")
    const filter = filterOf(values)
    const registry = connect()
    const interrupt = onInterrupt()
    const report = watchReport(invocation, timeoutMs)
    const keys = revokedKeyReport(invocation, registry, values["include-current"] ? 1n : from)
    const view = json ? ChainView.FULL : ChainView.RECORD
    const changes = registry.watchChains(
      { filter, view, startRevision: from ?? 0n, includeCurrent: values["include-current"] ?? false },
      { signal: AbortSignal.any([interrupt.signal, report.late]), onState: report.onState },
    )
    let next = from ?? 0n
    try {
      for await (const { events, nextRevision, caughtUp } of changes.responses()) {
        report.heard(caughtUp)
        for (const event of events) {
          await (json ? out.json(eventJson(event)) : out.line(eventLine(event)))
          next = (storedChainOf(event)?.record?.revision ?? next - 1n) + 1n
        }
        next = nextRevision
        if (caughtUp) await keys.upTo(next)
        report.awaits()
      }
    } catch (error) {
      if (!interrupt.signal.aborted) throw error
    } finally {
      report.end()
      interrupt.end()
    }
    // What was sent before it had caught up.
    if (next > 0n) await keys.upTo(next)
    await err.line(next > 0n ? `resume with: --from ${next}` : "the watch had not started")
    return EXIT.interrupted
  },
})

function eventLine(event: ChainEvent): string {
  const { record } = storedChainOf(event) ?? {}
  if (!record) return ""
  const { revision, agentId, expiresAt, updatedAt, updatedBy } = record
  const cells = [
    `${revision}`,
    eventWord(event),
    visibleName(agentId),
    statusText(record),
    momentText(expiresAt),
    momentText(updatedAt),
    visibleName(updatedBy),
  ]
  return cells.join("  ")
}
