import { toJson } from "@bufbuild/protobuf"
import {
  type AuthorityPathRecord,
  AuthorityPathRecordKind,
  AuthorityPathRecordKindSchema,
  type CheckAuthorityResponse,
  CheckAuthorityResponseSchema,
  type ConstraintFinding,
  DenialReasonSchema,
} from "@trust-registry/proto"
import { command } from "../command.js"
import { CONSISTENCY_FLAGS, consistencyOf } from "../flags/consistencyFlags.js"
import { momentOf } from "../flags/filterFlags.js"
import { jsonObjectOf } from "../flags/makeFlags.js"
import { denialHint } from "../output/denialHint.js"
import { EXIT } from "../output/exit.js"
import { visible } from "../output/visible.js"
import { UsageError } from "../usage.js"

/** Asks whether an agent has a permission, and by which path. */
export const checkAuthority = command({
  args: "AGENT ACTION",
  arity: [2, 2],
  summary: "ask whether an agent has a permission, and print the path of records that gives it",
  details:
    "Prints `allowed`, or `denied` and the reason (exit code 1), then the path from the authority down to the capability, one " +
    "record a line, and each constraint: `unmet`, `met`, or `not evaluated` if no rule evaluates it, so that you have to. " +
    "A denied path starts with the record that breaks it.",
  examples: [
    "check-authority agent-7 read_data",
    "check-authority agent-7 read_data --authority org-acme --strong",
    "check-authority agent-7 read_data --at 2026-01-31T00:00:00Z --json",
  ],
  flags: {
    authority: { type: "string", value: "ID", help: "the authority that the permission must come from" },
    at: { type: "string", value: "TIME", help: "check at this past time, from history (ISO 8601)" },
    resource: { type: "string", value: "TEXT", help: "the resource of the action" },
    context: { type: "string", value: "JSON", help: "a JSON object that constraints are evaluated against" },
    ...CONSISTENCY_FLAGS,
  },
  async run({ args, values, json, out, registry }) {
    const [agentId = "", action = ""] = args
    const { authority: authorityId = "", resource = "" } = values
    const contextJson = jsonObjectOf(values, "context") ?? ""
    const validAt = momentOf(values, "at")
    if (validAt && values["at-revision"] !== undefined)
      throw new UsageError("--at and --at-revision cannot be combined")
    const question = { authorityId, agentId, action, resource, contextJson, ...consistencyOf(values) }
    const answer = await registry().checkAuthority({ ...question, ...(validAt ? { validAt } : {}) })
    if (json) await out.json(JSON.stringify(toJson(CheckAuthorityResponseSchema, answer, JSON_OPTIONS)))
    else for (const text of linesOf(answer)) await out.line(visible(text))
    return answer.authorized ? EXIT.done : EXIT.incomplete
  },
})

const JSON_OPTIONS = { useProtoFieldName: true, alwaysEmitImplicit: true }

function* linesOf({ authorized, reason, reasonText, capabilityUsed, ...answer }: CheckAuthorityResponse) {
  const name = DenialReasonSchema.value[reason]?.localName ?? String(reason)
  yield authorized ? `allowed by ${capabilityUsed}` : `denied: ${name}: ${reasonText}`
  for (const record of answer.path) yield pathLine(record)
  for (const constraint of answer.effectiveConstraints) yield `constraint ${constraint}`
  for (const finding of answer.constraintsUnmet) yield `unmet ${findingText(finding)}: ${finding.reason}`
  for (const finding of answer.constraintsMet)
    yield `${finding.evaluated ? "met" : "not evaluated"} ${findingText(finding)}`
  const hint = denialHint(reason)
  if (hint) yield hint
}

function pathLine(record: AuthorityPathRecord) {
  const { kind, id, agentId, authorityId, revision, issuedAt, expiresAt, holds, detail } = record
  const parts = [
    `${wordOf(kind)} ${id}${agentId && ` of ${agentId}`}`,
    ...(kind === AuthorityPathRecordKind.AUTHORITY ? [] : [`signed by ${authorityId}`]),
    ...(issuedAt === "" ? [] : [`issued ${issuedAt}`]),
    ...(expiresAt === undefined ? [] : [`expires ${expiresAt}`]),
    `revision ${revision}`,
  ]
  return `${holds ? "" : "BROKEN "}${parts.join(", ")}${detail && `: ${detail}`}`
}

function wordOf(kind: AuthorityPathRecordKind) {
  return AuthorityPathRecordKindSchema.value[kind]?.localName.toLowerCase() ?? String(kind)
}

function findingText({ constraint, source }: ConstraintFinding) {
  return `${constraint} (${source})`
}
