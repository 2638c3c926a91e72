import { toJson } from "@bufbuild/protobuf"
import { visible, visibleName } from "@trust-registry/eatp"
import {
  type AuthorityPathRecord,
  AuthorityPathRecordKind,
  AuthorityPathRecordKindSchema,
  type CheckAuthorityResponse,
  CheckAuthorityResponseSchema,
} from "@trust-registry/proto"
import { command } from "../command.js"
import { CONSISTENCY_FLAGS, consistencyOf } from "../flags/consistencyFlags.js"
import { momentOf } from "../flags/filterFlags.js"
import { HEEDS_FLAG, heedsOf } from "../flags/heedsFlags.js"
import { jsonObjectOf } from "../flags/makeFlags.js"
import { constraintLines } from "../output/constraints.js"
import { denialLines } from "../output/denial.js"
import { EXIT } from "../output/exit.js"
import { pendingLines } from "../output/pending.js"
import { JSON_OPTIONS } from "../output/protoJson.js"
import { UsageError } from "../usage.js"

/** Asks whether an agent has a permission, and by which path. */
export const checkAuthority = command({
  args: "AGENT ACTION",
  arity: [2, 2],
  summary: "ask whether an agent has a permission, and print the path of records that gives it",
  details:
    "Prints `allowed`, or `denied` and the reason (exit code 1), then the path from the authority down to the capability, one " +
    "record a line, and each constraint once, the tightest first: `unmet`, `met`, `heeded`, or `not enforced` if no rule judged it and you do not heed " +
    "it (--heeds), which denies; `not evaluated` are constraints of other capabilities. " +
    "A denied path starts with the record that breaks it.",
  examples: [
    "check-authority agent-7 read_data",
    "check-authority agent-7 read_data --authority org-acme --strong",
    "check-authority agent-7 read_data --heeds max_api_calls",
    "check-authority agent-7 read_data --at 2026-01-31T00:00:00Z --json",
  ],
  flags: {
    authority: { type: "string", value: "ID", help: "the authority that the permission must come from" },
    at: { type: "string", value: "TIME", help: "check at this past time, from history (ISO 8601)" },
    resource: { type: "string", value: "TEXT", help: "the resource of the action" },
    context: { type: "string", value: "JSON", help: "a JSON object that constraints are evaluated against" },
    ...HEEDS_FLAG,
    ...CONSISTENCY_FLAGS,
  },
  async run({ args, values, json, out, registry }) {
    const [agentId = "", action = ""] = args
    const { authority: authorityId = "", resource = "" } = values
    const contextJson = jsonObjectOf(values, "context") ?? ""
    const validAt = momentOf(values, "at")
    if (validAt && values["at-revision"] !== undefined)
      throw new UsageError("--at and --at-revision cannot be combined")
    const heeds = heedsOf(values)
    const question = { authorityId, agentId, action, resource, contextJson, heeds, ...consistencyOf(values) }
    const connection = registry()
    const answer = await connection.checkAuthority({ ...question, ...(validAt ? { validAt } : {}) })
    if (json) await out.json(JSON.stringify(toJson(CheckAuthorityResponseSchema, answer, JSON_OPTIONS)))
    else for (const text of linesOf(answer)) await out.line(visible(text))
    if (answer.authorized && !json)
      for (const line of await pendingLines(connection, agentId)) await out.line(line)
    return answer.authorized ? EXIT.done : EXIT.incomplete
  },
})

function* linesOf(answer: CheckAuthorityResponse) {
  if (answer.authorized) yield `allowed by ${visibleName(answer.capabilityUsed ?? "")}`
  else yield* denialLines(answer)
  for (const record of answer.path) yield pathLine(record)
  yield* constraintLines(answer)
}

function pathLine(record: AuthorityPathRecord) {
  const { kind, id, agentId, authorityId, revision, issuedAt, expiresAt, holds, detail } = record
  const parts = [
    `${wordOf(kind)} ${visibleName(id)}${agentId && ` of ${visibleName(agentId)}`}`,
    ...(kind === AuthorityPathRecordKind.AUTHORITY ? [] : [`signed by ${visibleName(authorityId)}`]),
    ...(issuedAt === "" ? [] : [`issued ${issuedAt}`]),
    ...(expiresAt === undefined ? [] : [`expires ${expiresAt}`]),
    `revision ${revision}`,
  ]
  return `${holds ? "" : "BROKEN "}${parts.join(", ")}${detail && `: ${detail}`}`
}

function wordOf(kind: AuthorityPathRecordKind) {
  return AuthorityPathRecordKindSchema.value[kind]?.localName.toLowerCase() ?? String(kind)
}
