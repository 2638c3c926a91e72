import { checkShape, documentFromChain, type MemorySigner } from "@trust-registry/eatp"
import type { TrustLineageChain } from "@trust-registry/proto"
import { makerOf } from "../maker.js"
import type { Flag, Invocation, Values } from "./command.js"
import { signerOf } from "./documents/keyFile.js"
import type { TRUST_FLAGS, TrustFiles } from "./documents/trustFiles.js"
import { reportError } from "./errorReport.js"
import type { KEY_FLAG } from "./flags/makeFlags.js"
import { EXIT } from "./output/exit.js"
import { UsageError } from "./usage.js"

/** Returns a maker that signs with the key of a key file. */
export async function makerWithKey(file: string) {
  return makerOf(await signerOf(file))
}

/** Flag of the commands whose signing authority may differ from the authority of the chain that they change. */
export const OWNER_KEY_FLAG = {
  "owner-key": {
    type: "string",
    value: "FILE",
    help: "the key file of the changed chain's authority, if that is another one",
  },
} as const satisfies Record<string, Flag>

/**
 * Returns the signers: the authority that grants, with --key, and the authority of the changed chain, with --owner-key if
 * that is another one. Without --authorities, each key is taken to be its authority's only one, so a chain that another
 * key signed does not verify.
 */
export async function signersOf(
  values: Values<typeof KEY_FLAG & typeof OWNER_KEY_FLAG & typeof TRUST_FLAGS>,
  files: TrustFiles,
  grants: string,
  owns: string,
) {
  const given = values.authorities !== undefined
  const maker = await makerWithKey(values.key)
  assertKeyOf(grants, maker.signer, files, given)
  if (owns === grants) return { maker, owner: maker.signer }
  if (!values["owner-key"]) throw new UsageError(`--owner-key is required: the chain's authority is ${owns}`)
  const owner = await signerOf(values["owner-key"])
  assertKeyOf(owns, owner, files, given)
  return { maker, owner }
}

function assertKeyOf(
  authorityId: string,
  { publicKey }: MemorySigner,
  { authorities }: TrustFiles,
  given: boolean,
) {
  const known = authorities.get(authorityId)
  if (known === undefined && given) throw new UsageError(`--authorities does not contain ${authorityId}`)
  if (known === undefined) authorities.set(authorityId, { id: authorityId, keys: [{ publicKey }] })
  else if (!known.keys.some((key) => key.publicKey === publicKey))
    throw new UsageError(`the key in the key file is not one that ${authorityId} has in --authorities`)
}

/** Prints a new chain on one line, or reports why every registry would refuse it. */
export async function printNewChain(
  invocation: Pick<Invocation, "json" | "out" | "err">,
  chain: TrustLineageChain,
  nowMicros: bigint,
): Promise<number> {
  const violations = checkShape(chain, undefined, nowMicros)
  if (violations.length === 0) {
    await invocation.out.json(documentFromChain(chain))
    return EXIT.done
  }
  const message = `the new chain is invalid: ${violations[0]?.field} ${violations[0]?.description}`
  const agentId = chain.genesis?.agentId
  await reportError(invocation, { agentId, reason: "TRUST_CHAIN_INVALID", message, violations })
  return EXIT.refused
}
