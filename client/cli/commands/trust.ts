import { toJson } from "@bufbuild/protobuf"
import { visible } from "@trust-registry/eatp"
import { VerificationLevel, type VerifyTrustResponse, VerifyTrustResponseSchema } from "@trust-registry/proto"
import { command } from "../command.js"
import { CONSISTENCY_FLAGS, consistencyOf } from "../flags/consistencyFlags.js"
import { DENY_UNENFORCED_FLAG, HEEDS_FLAG, heedsOf } from "../flags/heedsFlags.js"
import { jsonObjectOf } from "../flags/makeFlags.js"
import { tightestFirst, unenforcedLine } from "../output/constraints.js"
import { denialLines } from "../output/denial.js"
import { EXIT } from "../output/exit.js"
import { pendingLines } from "../output/pending.js"
import { JSON_OPTIONS } from "../output/protoJson.js"
import { UsageError } from "../usage.js"

const LEVELS = {
  quick: VerificationLevel.QUICK,
  standard: VerificationLevel.STANDARD,
  full: VerificationLevel.FULL,
} as const

/** Asks whether an agent may do something now. */
export const trust = command({
  args: "AGENT [ACTION]",
  arity: [1, 2],
  summary: "ask whether an agent may do something now",
  details:
    "Prints `allowed` with the capability and the constraints that apply, or `denied` and the reason (exit code 1). A note says " +
    "from when on a pending graceful revocation will deny it. `not enforced` are constraints that no rule judged and that you do not " +
    "heed; they deny only with --deny-unenforced. The levels standard and full require an action.",
  examples: [
    "trust agent-7 read_data",
    "trust agent-7 --level quick",
    `trust agent-7 read_data --level full --context '{"contains_pii":true}' --json`,
  ],
  flags: {
    level: {
      type: "string",
      value: "LEVEL",
      choices: ["quick", "standard", "full"],
      help: "quick, standard or full (default: standard)",
    },
    resource: { type: "string", value: "TEXT", help: "the resource of the action" },
    context: { type: "string", value: "JSON", help: "a JSON object that constraints are evaluated against" },
    ...HEEDS_FLAG,
    ...DENY_UNENFORCED_FLAG,
    ...CONSISTENCY_FLAGS,
  },
  async run({ args, values, json, out, registry }) {
    const [agentId = "", action = ""] = args
    const level = LEVELS[values.level ?? "standard"]
    if (action === "" && level !== VerificationLevel.QUICK)
      throw new UsageError("ACTION is required unless --level is quick")
    const { resource = "" } = values
    const contextJson = jsonObjectOf(values, "context") ?? ""
    const denyUnenforced = values["deny-unenforced"] ?? false
    if (denyUnenforced && level === VerificationLevel.QUICK)
      throw new UsageError(
        "--deny-unenforced cannot be combined with --level quick, which evaluates no constraints",
      )
    const question = { agentId, action, level, resource, contextJson, heeds: heedsOf(values), denyUnenforced }
    const request = { ...question, ...consistencyOf(values) }
    const connection = registry()
    const answer = await connection.verifyTrust(request)
    if (json) await out.json(JSON.stringify(toJson(VerifyTrustResponseSchema, answer, JSON_OPTIONS)))
    else for (const text of linesOf(answer)) await out.line(visible(text))
    if (answer.valid && !json)
      for (const line of await pendingLines(connection, agentId)) await out.line(line)
    return answer.valid ? EXIT.done : EXIT.incomplete
  },
})

function* linesOf(answer: VerifyTrustResponse) {
  const { capabilityUsed } = answer
  if (answer.valid) yield `allowed${capabilityUsed ? ` by ${capabilityUsed}` : ""}`
  else yield* denialLines(answer)
  for (const constraint of tightestFirst(answer.effectiveConstraints)) yield `constraint ${constraint}`
  for (const constraint of answer.unenforcedConstraints) yield unenforcedLine(constraint)
  for (const violation of answer.violations)
    yield `${violation.constraint} (${violation.source}): ${violation.reason}`
}
