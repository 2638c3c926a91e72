import {
  chainHash,
  checkShape,
  checkSignatures,
  JsonObject,
  parseJson,
  type TrustRequest,
  type TrustVerdict,
  type Violation,
  verifyTrust,
  visible,
  visibleName,
} from "@trust-registry/eatp"
import { command, type Flag, type Invocation, type Values } from "../command.js"
import { openDocuments, type ReadDocument } from "../documents/documents.js"
import {
  addChain,
  assertOneReader,
  missingChain,
  missingDelegators,
  TRUST_FLAGS,
  type TrustFiles,
  trustFilesOf,
} from "../documents/trustFiles.js"
import { documentErrorReport, reportError } from "../errorReport.js"
import { anchorsOf } from "../flags/anchorFlags.js"
import { DENY_UNENFORCED_FLAG, HEEDS_FLAG, heedsOf } from "../flags/heedsFlags.js"
import { jsonObjectOf } from "../flags/makeFlags.js"
import { tightestFirst, unenforcedLine } from "../output/constraints.js"
import { hintLines } from "../output/denial.js"
import { EXIT } from "../output/exit.js"
import { UsageError } from "../usage.js"

const FLAGS = {
  action: { type: "string", value: "TEXT", help: "also check whether the agent may do this now" },
  level: {
    type: "string",
    value: "LEVEL",
    choices: ["quick", "standard", "full"],
    help: "quick, standard or full (default: full with an action, else quick)",
  },
  resource: { type: "string", value: "TEXT", help: "the resource of the action" },
  context: { type: "string", value: "JSON", help: "a JSON object that constraints are evaluated against" },
  ...HEEDS_FLAG,
  ...DENY_UNENFORCED_FLAG,
  ...TRUST_FLAGS,
  authorities: { ...TRUST_FLAGS.authorities, required: true },
  anchor: {
    type: "string",
    multiple: true,
    value: "ID=KEY|HASH",
    help: "what you know of an authority: a public key, or the hash of a document; then every authority needs one",
  },
} as const satisfies Record<string, Flag>

/** Verifies chains without a registry. */
export const check = command({
  args: "[FILE...]",
  arity: [0, Infinity],
  summary: "verify chains: shape, hashes, every signature, and the verdict; offline",
  details:
    "Reads files, or standard input without FILE or with `-`. Prints what is wrong with each chain. The exit code is 1 if " +
    "anything is wrong, including a signature whose signer is unknown. The given chains can refer to each other; --chains " +
    "adds those of other delegators. With --anchor nothing counts that an authority signed with a key which is not its own word: its documents, " +
    "as `authority documents` prints them, must lead from the anchor to its keys. Revocations are known to the registry alone: use `trust` to ask it.",
  examples: [
    "check agent-7.json --authorities authorities.json",
    "check agent-8.json --authorities authorities.json --chains agent-7.json --action read_data",
    "export | trust-registry check --authorities authorities.json",
    "check agent-7.json --authorities authorities.json --anchor org-acme=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
  ],
  flags: FLAGS,
  offline: true,
  async run(invocation) {
    const { args, values } = invocation
    const question = questionOf(values)
    const names = args.length === 0 ? ["-"] : args
    assertOneReader([...names, values.authorities, values.chains])
    const files = await trustFilesOf(values, anchorsOf(values))
    const documents: ReadDocument[] = []
    for await (const document of (await openDocuments(names)).read()) documents.push(document)
    for (const { chain } of documents) if (chain) addChain(files, chain)
    let exitCode: number = EXIT.done
    for (const document of documents) {
      if (document.chain === undefined) await reportError(invocation, documentErrorReport(document))
      else if (await printFindings(invocation, await findingsOf(document, question, files))) continue
      exitCode = EXIT.incomplete
    }
    return exitCode
  },
})

type Question = Omit<TrustRequest, "agentId">
type Findings = { agentId: string; violations: Violation[]; missing: string[]; verdict?: TrustVerdict }

function questionOf(values: Values<typeof FLAGS>): Question {
  const { action = "", level = action === "" ? "quick" : "full", resource } = values
  if (action === "" && level !== "quick") throw new UsageError("--action is required unless --level is quick")
  const denyUnenforced = values["deny-unenforced"] ?? false
  if (denyUnenforced && level === "quick")
    throw new UsageError("--deny-unenforced needs --action, and no --level quick")
  const context = parseJson(jsonObjectOf(values, "context") ?? "null")
  return {
    action,
    level,
    denyUnenforced,
    heeds: heedsOf(values),
    ...(resource === undefined ? {} : { resource }),
    ...(context instanceof JsonObject ? { context } : {}),
  }
}

async function findingsOf(
  { chain, chainHash: stated }: Extract<ReadDocument, { chain: object }>,
  question: Question,
  files: TrustFiles,
): Promise<Findings> {
  const agentId = chain.genesis?.agentId ?? ""
  const violations = checkShape(chain)
  // A chain with an invalid shape has no verdict.
  if (violations.length > 0) return { agentId, violations, missing: [] }
  if (stated !== undefined && stated !== chainHash(chain))
    violations.push({
      field: "chain_hash",
      description: `is ${stated} in the document, but the chain has ${chainHash(chain)}`,
    })
  // A file may contain two chains of one agent: each is checked on its own.
  const chains = { get: (id: string) => (id === agentId ? { chain, active: true } : files.chains.get(id)) }
  const { authorities } = files
  const { bad, open } = await checkSignatures(chain, { authorities, delegators: chains })
  const nowMicros = BigInt(Date.now()) * 1000n
  const verdict = await verifyTrust({ request: { agentId, ...question }, nowMicros, chains, authorities })
  const missing = missingDelegators(files, chain)
  return { agentId, violations: [...violations, ...bad, ...open], missing, verdict }
}

/** Prints the findings. Returns whether the chain verifies. */
async function printFindings(
  { json, out }: Pick<Invocation, "json" | "out">,
  { agentId, violations, missing, verdict }: Findings,
): Promise<boolean> {
  const verified = violations.length === 0 && verdict?.valid === true
  if (json) {
    await out.json(
      JSON.stringify({
        agent_id: agentId,
        verified,
        violations,
        missing_chains: missing,
        verdict: verdictJson(verdict),
      }),
    )
    return verified
  }
  for (const { field, description } of violations)
    await out.line(visible(`not verified ${visibleName(agentId)}: ${field} ${description}`))
  if (verdict?.valid === false)
    for (const line of deniedLines(agentId, verdict)) await out.line(visible(line))
  for (const { constraint, source, reason } of verdict?.violations ?? [])
    await out.line(visible(`  ${constraint} (${source}): ${reason}`))
  if (!verified) for (const id of missing) await out.line(visible(`  ${missingChain(id)}`))
  if (verified) for (const line of verifiedLines(agentId, verdict)) await out.line(visible(line))
  return verified
}

function deniedLines(agentId: string, { cause, explanation = "" }: TrustVerdict): string[] {
  const hint = hintLines(cause ?? "").map((line) => `  ${line}`)
  return [`denied ${visibleName(agentId)}: ${cause}: ${explanation}`, ...hint]
}

function verifiedLines(
  agentId: string,
  { capabilityUsed, effectiveConstraints, unenforcedConstraints }: TrustVerdict,
): string[] {
  const head = capabilityUsed ? `, allowed by ${capabilityUsed}` : ""
  return [
    `verified ${visibleName(agentId)}${head}`,
    ...tightestFirst(effectiveConstraints).map((constraint) => `  constraint ${constraint}`),
    ...unenforcedConstraints.map((constraint) => `  ${unenforcedLine(constraint)}`),
  ]
}

function verdictJson(verdict: TrustVerdict | undefined) {
  if (verdict === undefined) return null
  const { valid, level, reason, reasonText, explanation, remedy, cause } = verdict
  const { capabilityUsed, effectiveConstraints, violations, unenforcedConstraints } = verdict
  return {
    valid,
    level,
    reason: reason ?? null,
    reason_text: reasonText ?? null,
    explanation: explanation ?? null,
    remedy: remedy ?? null,
    cause: cause ?? null,
    capability_used: capabilityUsed ?? null,
    effective_constraints: effectiveConstraints,
    violations: violations.map(({ rule: _, ...violation }) => violation),
    unenforced_constraints: unenforcedConstraints,
  }
}
