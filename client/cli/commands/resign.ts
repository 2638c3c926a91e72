import { checkSignatures, resign } from "@trust-registry/eatp"
import { command } from "../command.js"
import {
  addChain,
  assertOneReader,
  oneChain,
  TRUST_FLAGS,
  trustFilesOf,
  withFileHints,
} from "../documents/trustFiles.js"
import { reportError } from "../errorReport.js"
import { KEY_FLAG } from "../flags/makeFlags.js"
import { EXIT } from "../output/exit.js"
import { printNewChain, signersOf } from "../signing.js"

/** Signs a chain again with another key of its authority. */
export const resignChain = command({
  args: "[FILE]",
  arity: [0, 1],
  summary: "sign a chain again with another key of its authority, and print it; offline",
  details:
    "Reads the chain from FILE, or from standard input without FILE or with `-`. Records keep their dates, so the key's window " +
    "must cover those (`authority rotate-key --at` in the past, with --overlap-seconds up to now). Signs only a chain that " +
    "verifies with --authorities, and adds the signature of its state if that is missing. A key with revoked_at there " +
    "verifies nothing: remove revoked_at to vouch for what that key signed.",
  examples: [
    "resign agent-7.json --key new.key --authorities authorities.json",
    "get agent-7 | trust-registry resign --key org-acme.key | trust-registry store",
  ],
  flags: {
    ...KEY_FLAG,
    authority: { type: "string", value: "ID", help: "the authority of the key (default: the chain's own)" },
    ...TRUST_FLAGS,
  },
  offline: true,
  async run(invocation) {
    const { values, args } = invocation
    const [file = "-"] = args
    assertOneReader([file, values.authorities, values.chains])
    const { chain, agentId } = await oneChain(file)
    const files = await trustFilesOf(values)
    addChain(files, chain)
    const authorityId = values.authority ?? chain.genesis?.authorityId ?? ""
    const { maker } = await signersOf(values, files, authorityId, authorityId)
    const made = await withFileHints(files, values, () => resign(agentId, authorityId, files, maker))
    const { bad } = await checkSignatures(made, { authorities: files.authorities, delegators: files.chains })
    if (bad.length === 0) return printNewChain(invocation, made, maker.nowMicros)
    const message = "the key's window does not cover the dates of these records"
    await reportError(invocation, { agentId, reason: "TRUST_CHAIN_INVALID", message, violations: bad })
    return EXIT.refused
  },
})
