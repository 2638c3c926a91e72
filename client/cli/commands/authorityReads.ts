import type { StoredAuthority } from "@trust-registry/proto"
import { forEachAuthority } from "../agents.js"
import { documentFromAuthority } from "../authorities/authorityDocument.js"
import {
  AUTHORITY_HEADINGS,
  authorityRow,
  listedAuthorityJson,
  storedAuthorityJson,
} from "../authorities/authorityOutput.js"
import { command, type Invocation } from "../command.js"
import { reportError } from "../errorReport.js"
import { COUNT } from "../flags/bounds.js"
import { countOf } from "../flags/flags.js"
import { EXIT } from "../output/exit.js"
import { tableLines } from "../output/table.js"

/** Prints authorities as JSON documents. */
export const getAuthorities = command({
  args: "AUTHORITY...",
  arity: [1, Infinity],
  summary: "print authorities as JSON documents, one a line, active or not",
  details:
    "A revoked key has `revoked_at`, and `compromised_at` if that is known; an inactive authority has `is_active` false. With " +
    "--json each line has the document as `authority` and its record as `record`.",
  examples: ["authority get org-acme", "authority get org-acme | jq .keys"],
  flags: {},
  run(invocation) {
    const registry = invocation.registry()
    return forEachAuthority(invocation, async (authorityId) => {
      const { authority, record } = await registry.getAuthority({ authorityId })
      if (!authority) throw new Error("the registry returned no authority")
      await invocation.out.json(
        invocation.json
          ? storedAuthorityJson(authority, record)
          : documentFromAuthority(authority, record?.isActive),
      )
      return EXIT.done
    })
  },
})

const DEFAULT_LIMIT = 100
const LARGEST_PAGE = 1000

/** Lists authorities. */
export const listAuthorities = command({
  args: "",
  arity: [0, 0],
  summary: "list authorities: id, name, type, status, keys, revision",
  details:
    "With --json each line has the fields of the record and, as `authority`, the document that `authority get` prints.",
  examples: ["authority list", "authority list --all --json"],
  flags: {
    all: { type: "boolean", help: "include inactive authorities" },
    limit: {
      type: "string",
      value: "N",
      bounds: COUNT,
      help: `list at most N authorities (default: ${DEFAULT_LIMIT})`,
    },
    "page-token": { type: "string", value: "TOKEN", help: "continue where an earlier list ended" },
  },
  async run(invocation) {
    const { values } = invocation
    let left = countOf(values, "limit") ?? DEFAULT_LIMIT
    let pageToken = values["page-token"] ?? ""
    const includeInactive = values.all === true
    const registry = invocation.registry()
    let readable = true
    do {
      const pageSize = Math.min(left, LARGEST_PAGE)
      const page = await registry.listAuthorities({ includeInactive, pageSize, pageToken }).page()
      readable = (await printPage(invocation, page.authorities)) && readable
      left -= page.authorities.length
      pageToken = page.nextPageToken
    } while (pageToken !== "" && left > 0)
    if (pageToken !== "") await invocation.err.line(`more results: --page-token ${pageToken}`)
    return readable ? EXIT.done : EXIT.incomplete
  },
})

type Outputs = Pick<Invocation, "json" | "out" | "err">

/** Prints a page. Returns whether all of its rows parse. */
async function printPage(outputs: Outputs, rows: readonly StoredAuthority[]): Promise<boolean> {
  const { json, out } = outputs
  if (json) for (const row of rows) await out.json(listedAuthorityJson(row))
  else if (rows.length > 0) {
    const cells = rows.map(({ authority, record }) => authorityRow(authority, record))
    for (const line of tableLines(AUTHORITY_HEADINGS, cells, out.columns)) await out.line(line)
  }
  const unreadable = rows.filter((row) => row.unreadable)
  for (const { record } of unreadable)
    await reportError(outputs, {
      authorityId: record?.authorityId,
      reason: "AUTHORITY_CORRUPT",
      message: "the stored authority does not parse",
    })
  return unreadable.length === 0
}
