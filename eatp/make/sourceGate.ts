import type { GenesisRecord, TrustLineageChain } from "@trust-registry/proto"
import { expiriesAware, notExpired } from "../verify/expiryChecks.js"
import { delegationSignatures, evidenceSignatures, sourceSignatures } from "../verify/neededSignatures.js"
import { type Question, questionOf, type SlicedCheck } from "../verify/question.js"
import { reasoningHolds } from "../verify/reasoningChecks.js"
import { anchorsSigned, chainStateSigned, delegationsSigned, sourcesSigned } from "../verify/recordChecks.js"
import { delegatorsInForce } from "../verify/revocationChecks.js"
import type { TrustOptions } from "../verify/trustInput.js"
import { verifySignatures } from "../verify/verifySignatures.js"
import { MakeError } from "./makeError.js"
import type { Known, Maker } from "./maker.js"

type Source = { chain: TrustLineageChain; genesis: GenesisRecord }

/**
 * EATP's gate before anything is signed on the strength of a chain (EATP DELEGATE): the chain is known, in force and
 * not expired, and all that trust derives from in it is signed.
 *
 * @throws MakeError SOURCE_NOT_FOUND, EXPIRED or SOURCE_INVALID, with the reason of the verdict in the message.
 */
export async function sourceChain(
  agentId: string,
  known: Known,
  maker: Pick<Maker, "nowMicros">,
): Promise<Source> {
  const question = await liveQuestion(agentId, known, maker, {})
  await verifySignatures([...sourceSignatures(question), ...delegationSignatures(question)])
  await refuse(question, derived, "SOURCE_INVALID")
  return question
}

/**
 * The same for a chain whose signatures are all to be renewed: audit anchors and reasoning traces are signed as well,
 * while unsigned chain states and legacy capabilities pass.
 *
 * @throws MakeError as {@link sourceChain} does.
 */
export async function chainToRenew(
  agentId: string,
  known: Known,
  maker: Pick<Maker, "nowMicros">,
): Promise<Source> {
  const options = { allowUnsignedChainState: true, allowUnboundLegacyCapabilities: true }
  const question = await liveQuestion(agentId, known, maker, options)
  await verifySignatures([
    ...sourceSignatures(question),
    ...delegationSignatures(question),
    ...evidenceSignatures(question),
  ])
  await refuse(question, [...derived, reasoningHolds, anchorsSigned], "SOURCE_INVALID")
  return question
}

const derived: SlicedCheck[] = [delegatorsInForce, chainStateSigned, sourcesSigned, delegationsSigned]

async function liveQuestion(
  agentId: string,
  known: Known,
  { nowMicros }: Pick<Maker, "nowMicros">,
  options: TrustOptions,
): Promise<Question> {
  const stored = known.chains.get(agentId)
  const genesis = stored?.chain.genesis
  if (stored?.active !== true || genesis === undefined) {
    throw new MakeError("SOURCE_NOT_FOUND", `No trust chain found for agent: ${agentId}`)
  }
  const request = { agentId, action: "", level: "full" } as const
  const question = questionOf({ request, ...known, nowMicros, options }, stored.chain, genesis)
  await refuse(question, [expiriesAware, notExpired], "EXPIRED")
  return question
}

async function refuse(
  question: Question,
  checks: SlicedCheck[],
  code: "EXPIRED" | "SOURCE_INVALID",
): Promise<void> {
  for (const check of checks) {
    const found = await check(question)
    if (found !== undefined) {
      throw new MakeError(code, `The chain of ${question.genesis.agentId} is not valid: ${found.text}`)
    }
  }
}
