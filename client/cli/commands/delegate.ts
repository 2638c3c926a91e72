import { delegate } from "@trust-registry/eatp"
import { command } from "../command.js"
import {
  addChain,
  assertOneReader,
  oneChain,
  TRUST_FLAGS,
  trustFilesOf,
  withFileHints,
} from "../documents/trustFiles.js"
import { BOUND_FLAGS, expiryOf, KEY_FLAG } from "../flags/makeFlags.js"
import { OWNER_KEY_FLAG, printNewChain, signersOf } from "../signing.js"
import { UsageError } from "../usage.js"

/** Delegates capabilities from one agent to another. */
export const delegateTrust = command({
  args: "DELEGATOR_FILE [DELEGATEE_FILE]",
  arity: [1, 2],
  summary: "delegate capabilities to another agent, and print its new chain; offline",
  details:
    "The delegatee is the agent of DELEGATEE_FILE, or of --to if it has no chain yet. The delegator's constraints apply to the " +
    "delegation. The key is that of the delegator's authority. If the delegator's trust was delegated too, pass the chains " +
    "above it with --chains. Refuses looser constraints, cycles, more than ten hops, expired trust, and no_delegation.",
  examples: [
    "delegate agent-7.json --to agent-8 --key org-acme.key --task task-1 --capability read_data",
    "delegate agent-8.json agent-9.json --chains agent-7.json --key org-acme.key --task task-2 --capability read_data --constraint read_only",
  ],
  flags: {
    to: { type: "string", value: "AGENT", help: "the delegatee, instead of DELEGATEE_FILE" },
    task: { type: "string", value: "ID", required: true, help: "the task that the delegation is for" },
    capability: {
      type: "string",
      multiple: true,
      value: "NAME",
      required: true,
      help: "a capability to delegate",
    },
    ...BOUND_FLAGS,
    ...KEY_FLAG,
    ...OWNER_KEY_FLAG,
    ...TRUST_FLAGS,
  },
  offline: true,
  async run(invocation) {
    const { values, args } = invocation
    const [delegatorFile = "", delegateeFile] = args
    if ((delegateeFile === undefined) === !values.to)
      throw new UsageError("name the delegatee with either DELEGATEE_FILE or --to AGENT")
    const { capability: capabilities, constraint: constraints = [], task: taskId } = values
    const expiresAt = expiryOf(values)
    assertOneReader([delegatorFile, delegateeFile, values.authorities, values.chains])
    const delegator = await oneChain(delegatorFile)
    const delegatee = delegateeFile === undefined ? undefined : await oneChain(delegateeFile)
    const files = await trustFilesOf(values)
    addChain(files, delegator.chain)
    if (delegatee) addChain(files, delegatee.chain)
    const delegateeId = delegatee?.agentId ?? values.to ?? ""
    const delegates = delegator.chain.genesis?.authorityId ?? ""
    const owns = files.chains.get(delegateeId)?.chain.genesis?.authorityId ?? delegates
    const { maker, owner } = await signersOf(values, files, delegates, owns)
    const delegation = {
      delegatorId: delegator.agentId,
      delegateeId,
      taskId,
      capabilities,
      constraints,
      ...(expiresAt === undefined ? {} : { expiresAt }),
    }
    const made = await withFileHints(files, values, () => delegate(delegation, files, maker, owner))
    return printNewChain(invocation, made, maker.nowMicros)
  },
})
