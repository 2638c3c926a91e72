import { visibleName } from "@trust-registry/eatp"
import { type ChainRecord, ChainView, type StoredChain } from "@trust-registry/proto"
import { command, type Invocation } from "../command.js"
import { reportError } from "../errorReport.js"
import { COUNT } from "../flags/bounds.js"
import { CONSISTENCY_FLAGS, consistencyOf } from "../flags/consistencyFlags.js"
import { FILTER_FLAGS, filterOf } from "../flags/filterFlags.js"
import { countOf } from "../flags/flags.js"
import { EXIT } from "../output/exit.js"
import { RECORD_HEADINGS, recordJson, recordRow } from "../output/records.js"
import { tableLines } from "../output/table.js"
import { revokedKeyNotes } from "../revokedKeys.js"

const DEFAULT_LIMIT = 100
const LARGEST_PAGE = 1000

/** Lists the records of chains. */
export const list = command({
  args: "",
  arity: [0, 0],
  summary: "list the records of chains: agent, authority, status, signatures, revision, expiry",
  details:
    "Use `export` for the chains themselves. SIGNATURES is what was found when a chain was stored: if a key of its authority was " +
    "revoked since, a note on standard error says so (KEY_REVOKED). A row that does not parse is reported there too, unless " +
    "--records skips the documents.",
  examples: [
    "list --prefix billing-",
    "list --expires-before 2030-01-01T00:00:00Z --limit 20",
    "list --at-revision 1200 --records",
  ],
  flags: {
    ...FILTER_FLAGS,
    records: { type: "boolean", help: "read records only, not documents; faster for long lists" },
    ...CONSISTENCY_FLAGS,
    limit: {
      type: "string",
      value: "N",
      bounds: COUNT,
      help: `list at most N chains (default: ${DEFAULT_LIMIT})`,
    },
    "page-token": { type: "string", value: "TOKEN", help: "continue where an earlier list ended" },
  },
  async run(invocation) {
    const { values } = invocation
    let left = countOf(values, "limit") ?? DEFAULT_LIMIT
    let pageToken = values["page-token"] ?? ""
    const view = values.records ? ChainView.RECORD : ChainView.FULL
    const request = { filter: filterOf(values), view, ...consistencyOf(values) }
    const registry = invocation.registry()
    const noteKeys = revokedKeyNotes(invocation, registry)
    let readable = true
    do {
      const pageSize = Math.min(left, LARGEST_PAGE)
      const page = await registry.listChains({ ...request, pageSize, pageToken }).page()
      await printRecords(invocation, page.chains)
      readable = (await reportUnreadable(invocation, page.chains)) && readable
      await noteKeys(page.chains.map(({ record }) => record?.authorityId ?? ""))
      left -= page.chains.length
      pageToken = page.nextPageToken
    } while (pageToken !== "" && left > 0)
    if (pageToken !== "") await invocation.err.line(`more results: --page-token ${pageToken}`)
    return readable ? EXIT.done : EXIT.incomplete
  },
})

/** Counts chains. */
export const count = command({
  args: "",
  arity: [0, 0],
  summary: "count chains",
  examples: ["count", "count --all --authority org-acme", "count --at-revision 1200"],
  flags: { ...FILTER_FLAGS, ...CONSISTENCY_FLAGS },
  async run({ values, json, out, registry }) {
    const { count } = await registry().countChains({ filter: filterOf(values), ...consistencyOf(values) })
    if (json) await out.json(JSON.stringify({ count: `${count}` }))
    else await out.line(`${count}`)
    return EXIT.done
  },
})

type Outputs = Pick<Invocation, "json" | "out" | "err">

async function printRecords({ json, out }: Outputs, chains: readonly StoredChain[]) {
  const records = chains.flatMap(({ record }): ChainRecord | [] => record ?? [])
  if (json) for (const record of records) await out.json(JSON.stringify(recordJson(record)))
  else if (records.length > 0) {
    for (const line of tableLines(RECORD_HEADINGS, records.map(recordRow), out.columns)) await out.line(line)
  }
}

/** Reports rows whose chain does not parse on standard error. Returns whether there were none. */
export async function reportUnreadable(outputs: Outputs, chains: readonly StoredChain[]): Promise<boolean> {
  const rows = chains.filter(({ unreadable }) => unreadable)
  for (const { record } of rows) {
    const { agentId = "" } = record ?? {}
    const message = `the stored chain does not parse: run verify ${visibleName(agentId)}`
    await reportError(outputs, { agentId, reason: "TRUST_CHAIN_CORRUPT", message })
  }
  return rows.length === 0
}
