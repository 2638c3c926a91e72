import { ChainOperation, type ChainRevision, ChainView } from "@trust-registry/proto"
import { command } from "../command.js"
import { COUNT } from "../flags/bounds.js"
import { countOf } from "../flags/flags.js"
import { operationWord, revisionJson } from "../output/changeJson.js"
import { EXIT } from "../output/exit.js"
import { momentText, statusText } from "../output/records.js"
import { tableLines } from "../output/table.js"
import { UsageError } from "../usage.js"

const DEFAULT_LIMIT = 100
const LARGEST_PAGE = 1000

/** Prints the changes of an agent's chain. */
export const history = command({
  args: "AGENT",
  arity: [1, 1],
  summary: "print who changed an agent's chain, what and when, newest first",
  details:
    "Deleted and purged chains have a history too. It is incomplete if the registry keeps history for a limited time. With " +
    "--json, --chains adds the chain as each change left it.",
  examples: ["history agent-001", "history agent-001 --limit 1 --chains --json"],
  flags: {
    limit: {
      type: "string",
      value: "N",
      bounds: COUNT,
      help: `print at most N changes (default: ${DEFAULT_LIMIT})`,
    },
    chains: { type: "boolean", help: "include the chains (with --json)" },
  },
  async run({ values, args, json, out, err, registry: connect }) {
    const [agentId = ""] = args
    if (values.chains && !json) throw new UsageError("--chains requires --json")
    let left = countOf(values, "limit") ?? DEFAULT_LIMIT
    const registry = connect()
    const request = { agentId, view: values.chains ? ChainView.FULL : ChainView.RECORD }
    let pageToken = ""
    let oldest = 1n
    let earliest: ChainRevision | undefined
    do {
      const pageSize = Math.min(left, LARGEST_PAGE)
      const page = await registry.listChainRevisions({ ...request, pageSize, pageToken }).page()
      if (json) for (const revision of page.revisions) await out.json(revisionJson(revision))
      else {
        for (const line of tableLines(HEADINGS, page.revisions.map(rowOf), out.columns)) await out.line(line)
      }
      left -= page.revisions.length
      pageToken = page.nextPageToken
      oldest = page.oldestRevision
      earliest = page.revisions.at(-1) ?? earliest
    } while (pageToken !== "" && left > 0)
    if (pageToken !== "") await err.line("more changes: use --limit")
    else if (oldest > 1n && earliest?.operation !== ChainOperation.CREATED)
      await err.line(`changes before revision ${oldest} are no longer kept`)
    return EXIT.done
  },
})

const HEADINGS = ["REVISION", "OPERATION", "STATUS", "WHEN", "BY", "CONTENT"]

function rowOf(change: ChainRevision): string[] {
  const { record } = change.stored ?? {}
  if (!record) return []
  const { revision, updatedAt, updatedBy, contentHash } = record
  return [
    `${revision}`,
    operationWord(change),
    statusText(record),
    momentText(updatedAt),
    updatedBy,
    contentHash.slice(0, 12),
  ]
}
