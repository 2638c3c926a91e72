import { wordOf } from "@trust-registry/eatp"
import { type ChainRevision, Operation, OperationSchema } from "@trust-registry/proto"
import { command } from "../command.js"
import { countOf } from "../flags/flags.js"
import { UsageError } from "../flags/usage.js"
import { changeJson } from "../output/changeJson.js"
import { EXIT } from "../output/exit.js"
import { momentText, statusWord } from "../output/records.js"
import { TERMINAL_CELL, tableLines } from "../output/table.js"

const DEFAULT_LIMIT = 100
const LARGEST_PAGE = 1000

/** Shows the changes of an agent's chain. */
export const history = command({
  args: "AGENT",
  arity: [1, 1],
  summary: "show who changed an agent's chain, what and when, newest first",
  details:
    "It tells of deleted chains too. Where the registry keeps its history for a limited time, it ends early. With --json, " +
    "--chains adds the chain as each change left it.",
  examples: ["history agent-001", "history agent-001 --limit 1 --chains --json"],
  flags: {
    limit: { type: "string", value: "N", help: `at most so many (default: ${DEFAULT_LIMIT})` },
    chains: { type: "boolean", help: "with the chains as they were (with --json)" },
  },
  async run({ values, args, json, out, err, registry: connect }) {
    const [agentId = ""] = args
    if (values.chains && !json) throw new UsageError("--chains goes with --json")
    let left = countOf(values, "limit") ?? DEFAULT_LIMIT
    const registry = connect()
    const request = { agentId, includeChains: values.chains === true }
    let pageToken = ""
    let oldest = 1n
    let earliest: ChainRevision | undefined
    do {
      const pageSize = Math.min(left, LARGEST_PAGE)
      const page = await registry.listChainRevisions({ ...request, pageSize, pageToken }).page()
      if (json) for (const revision of page.revisions) await out.json(changeJson(revision))
      else {
        const widest = out.terminal ? TERMINAL_CELL : Infinity
        for (const line of tableLines(HEADINGS, page.revisions.map(rowOf), widest)) await out.line(line)
      }
      left -= page.revisions.length
      pageToken = page.nextPageToken
      oldest = page.oldestRevision
      earliest = page.revisions.at(-1) ?? earliest
    } while (pageToken !== "" && left > 0)
    if (pageToken !== "") await err.line("there are more: --limit")
    else if (oldest > 1n && earliest?.operation !== Operation.CREATED)
      await err.line(`what was replaced before revision ${oldest} is no longer kept`)
    return EXIT.done
  },
})

const HEADINGS = ["REVISION", "OPERATION", "STATUS", "WHEN", "BY", "CONTENT"]

function rowOf({ operation, record }: ChainRevision): string[] {
  if (!record) return []
  const { revision, updatedAt, updatedBy, contentHash } = record
  return [
    `${revision}`,
    wordOf(OperationSchema, operation) ?? "unknown",
    statusWord(record),
    momentText(updatedAt),
    updatedBy,
    contentHash.slice(0, 12),
  ]
}
