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

/** Signs anew what an authority signed in a chain. */
export const resignChain = command({
  args: "[FILE]",
  arity: [0, 1],
  summary: "sign a chain anew with another key of its authority, and print it; offline",
  details:
    "Reads the chain from FILE, or standard input for `-` or none. Records stay as they are, dates included: the key's window " +
    "must cover them (`authority rotate-key --at` in the past, with --overlap-seconds up to now). Only a chain that holds by " +
    "--authorities is signed; a chain whose state is unsigned gets that signature too. A key that is marked there with " +
    "revoked_at counts for nothing: take the mark out to vouch for what that key signed.",
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
