import { audit, wordsOf } from "@trust-registry/eatp"
import { type ActionResult, ActionResultSchema } from "@trust-registry/proto"
import { command } from "../command.js"
import {
  addChain,
  assertOneReader,
  oneChain,
  TRUST_FLAGS,
  trustFilesOf,
  withFileHints,
} from "../documents/trustFiles.js"
import { jsonObjectOf, KEY_FLAG, wordFlag } from "../flags/makeFlags.js"
import { printNewChain, signersOf } from "../signing.js"

/** Records what an agent did. */
export const auditAction = command({
  args: "[FILE]",
  arity: [0, 1],
  summary: "add a signed record of what an agent did to its chain, and print it; offline",
  details:
    "Reads the chain from FILE, or from standard input without FILE or with `-`. A chain with delegations needs --chains.",
  examples: [
    "audit agent-7.json --key org-acme.key --action read_data --resource ledger-2026",
    `get agent-7 | trust-registry audit --key org-acme.key --action pay --result denied --context '{"amount":9}' | trust-registry store`,
  ],
  flags: {
    action: { type: "string", value: "TEXT", required: true, help: "what the agent did" },
    result: {
      type: "string",
      value: "RESULT",
      help: `the result: ${wordsOf(ActionResultSchema).join(", ")} (default: success)`,
    },
    resource: { type: "string", value: "TEXT", help: "the resource that it acted on" },
    context: { type: "string", value: "JSON", help: "a JSON object with further details" },
    "parent-anchor": { type: "string", value: "ID", help: "the audit anchor that this one follows" },
    ...KEY_FLAG,
    ...TRUST_FLAGS,
  },
  offline: true,
  async run(invocation) {
    const { values, args } = invocation
    const [file = "-"] = args
    const { action } = values
    const result = wordFlag(ActionResultSchema, "result", values.result ?? "success") as ActionResult
    const contextJson = jsonObjectOf(values, "context")
    assertOneReader([file, values.authorities, values.chains])
    const { chain, agentId } = await oneChain(file)
    const files = await trustFilesOf(values)
    addChain(files, chain)
    const owns = chain.genesis?.authorityId ?? ""
    const { maker } = await signersOf(values, files, owns, owns)
    const entry = {
      agentId,
      action,
      result,
      ...(values.resource === undefined ? {} : { resource: values.resource }),
      ...(contextJson === undefined ? {} : { contextJson }),
      ...(values["parent-anchor"] === undefined ? {} : { parentAnchorId: values["parent-anchor"] }),
    }
    const made = await withFileHints(files, values, () => audit(entry, files, maker))
    return printNewChain(invocation, made, maker.nowMicros)
  },
})
