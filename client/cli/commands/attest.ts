import { attest } from "@trust-registry/eatp"
import { command } from "../command.js"
import {
  addChain,
  assertOneReader,
  oneChain,
  TRUST_FLAGS,
  trustFilesOf,
  withFileHints,
} from "../documents/trustFiles.js"
import { BOUND_FLAGS, CAPABILITY_FLAGS, grantsOf, KEY_FLAG } from "../flags/makeFlags.js"
import { OWNER_KEY_FLAG, printNewChain, signersOf } from "../signing.js"

/** Attests capabilities to an agent. */
export const attestCapabilities = command({
  args: "[FILE]",
  arity: [0, 1],
  summary: "add signed capabilities to an agent's chain, and print it; offline",
  details:
    "Reads the chain from FILE, or from standard input without FILE or with `-`. Refuses a chain that has expired or is not " +
    "signed. A chain with delegations needs --chains.",
  examples: [
    "attest agent-7.json --key org-acme.key --capability write_reports:action --constraint max_api_calls=100",
    "get agent-7 | trust-registry attest --key org-acme.key --capability pay:action | trust-registry store",
  ],
  flags: {
    ...KEY_FLAG,
    ...CAPABILITY_FLAGS,
    capability: { ...CAPABILITY_FLAGS.capability, required: true },
    ...BOUND_FLAGS,
    attester: { type: "string", value: "ID", help: "the authority of the key (default: the chain's own)" },
    ...OWNER_KEY_FLAG,
    ...TRUST_FLAGS,
  },
  offline: true,
  async run(invocation) {
    const { values, args } = invocation
    const [file = "-"] = args
    const capabilities = grantsOf(values)
    assertOneReader([file, values.authorities, values.chains])
    const { chain, agentId } = await oneChain(file)
    const files = await trustFilesOf(values)
    addChain(files, chain)
    const owns = chain.genesis?.authorityId ?? ""
    const attesterId = values.attester ?? owns
    const { maker, owner } = await signersOf(values, files, attesterId, owns)
    const grants = { agentId, attesterId, capabilities }
    const attested = await withFileHints(files, values, () => attest(grants, files, maker, owner))
    return printNewChain(invocation, attested, maker.nowMicros)
  },
})
