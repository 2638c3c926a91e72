import { establish, wordsOf } from "@trust-registry/eatp"
import { type AuthorityType, AuthorityTypeSchema } from "@trust-registry/proto"
import { command } from "../command.js"
import {
  BOUND_FLAGS,
  CAPABILITY_FLAGS,
  expiryOf,
  grantsOf,
  jsonObjectOf,
  KEY_FLAG,
  wordFlag,
} from "../flags/makeFlags.js"
import { makerWithKey, printNewChain } from "../signing.js"
import { UsageError } from "../usage.js"

/** Establishes an agent. */
export const establishAgent = command({
  args: "AGENT",
  arity: [1, 1],
  summary: "create and sign the chain of a new agent, and print it; offline",
  details:
    "The authority attests the agent and its capabilities (EATP ESTABLISH). Nothing is stored: register the authority, then " +
    "pipe the document into `store`.",
  examples: [
    "establish agent-7 --authority org-acme --key org-acme.key --capability read_data:access",
    "establish agent-7 --authority org-acme --key org-acme.key --capability read_data:access | trust-registry store -",
  ],
  flags: {
    authority: {
      type: "string",
      value: "ID",
      required: true,
      help: "the authority that establishes the agent",
    },
    type: {
      type: "string",
      value: "TYPE",
      help: `the authority's type: ${wordsOf(AuthorityTypeSchema).join(", ")} (default: organization)`,
    },
    ...KEY_FLAG,
    ...CAPABILITY_FLAGS,
    ...BOUND_FLAGS,
    metadata: {
      type: "string",
      value: "JSON",
      help: "a JSON object about the agent; its `constraints` apply to the agent",
    },
  },
  offline: true,
  async run(invocation) {
    const { args, values } = invocation
    const [agentId = ""] = args
    if (agentId === "") throw new UsageError("AGENT must not be empty")
    const agent = {
      agentId,
      authorityId: values.authority,
      authorityType: wordFlag(AuthorityTypeSchema, "type", values.type ?? "organization") as AuthorityType,
      capabilities: grantsOf(values),
      metadataJson: jsonObjectOf(values, "metadata"),
      expiresAt: expiryOf(values),
    }
    const maker = await makerWithKey(values.key)
    return printNewChain(invocation, await establish(agent, maker), maker.nowMicros)
  },
})
