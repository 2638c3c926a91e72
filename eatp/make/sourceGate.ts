import type { GenesisRecord, TrustLineageChain } from "@trust-registry/proto"
import { expiriesAware, notExpired } from "../verify/expiryChecks.js"
import { type Check, type Question, questionOf } from "../verify/question.js"
import { chainStateSigned, delegationsSigned, sourcesSigned } from "../verify/recordChecks.js"
import { delegatorsInForce } from "../verify/revocationChecks.js"
import type { TrustOptions } from "../verify/trustInput.js"
import { MakeError } from "./makeError.js"
import type { Known, Maker } from "./maker.js"

/**
 * EATP's gate before anything is signed on the strength of a chain (EATP DELEGATE): it is here and in force,
 * has not expired, and all that it is derived from is signed. More checks may be told. Gives the chain.
 *
 * @throws MakeError SOURCE_NOT_FOUND, EXPIRED or SOURCE_INVALID, with the reason of a verdict as text.
 */
export function sourceChain(
  agentId: string,
  known: Known,
  maker: Pick<Maker, "nowMicros">,
  options: TrustOptions = {},
  besides: Check[] = [],
): { chain: TrustLineageChain; genesis: GenesisRecord } {
  const stored = known.chains.get(agentId)
  const genesis = stored?.chain.genesis
  if (stored?.active !== true || genesis === undefined) {
    throw new MakeError("SOURCE_NOT_FOUND", `No trust chain found for agent: ${agentId}`)
  }
  const request = { agentId, action: "", level: "full" } as const
  const question = questionOf(
    { request, ...known, nowMicros: maker.nowMicros, options },
    stored.chain,
    genesis,
  )
  refuse(question, [expiriesAware, notExpired], "EXPIRED")
  refuse(
    question,
    [delegatorsInForce, chainStateSigned, sourcesSigned, delegationsSigned, ...besides],
    "SOURCE_INVALID",
  )
  return { chain: stored.chain, genesis }
}

function refuse(question: Question, checks: Check[], code: "EXPIRED" | "SOURCE_INVALID"): void {
  for (const check of checks) {
    const found = check(question)
    if (found !== undefined) {
      throw new MakeError(code, `The chain of ${question.genesis.agentId} cannot be built on: ${found.text}`)
    }
  }
}
