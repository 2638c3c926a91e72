import { create } from "@bufbuild/protobuf"
import {
  ActionResult,
  AuditAnchorSchema,
  type HumanOrigin,
  type ReasoningTrace,
  type TrustLineageChain,
  TrustLineageChainSchema,
} from "@trust-registry/proto"
import { trustChainHash } from "../dict/trustChainHash.js"
import { signText } from "../signing/ed25519.js"
import { auditAnchorPayload } from "../signing/recordPayload.js"
import { assureMayIssue } from "./issuer.js"
import { type Known, type Maker, nowText } from "./maker.js"
import { hashReasoning, signReasoning } from "./reasoned.js"
import { partsOf } from "./sealed.js"
import { sourceChain } from "./sourceGate.js"

/** An action of an agent. */
export type AuditEntry = {
  agentId: string
  action: string
  resource?: string
  /** Unset: success. */
  result?: ActionResult
  /** Free-form JSON object as text. */
  contextJson?: string
  parentAnchorId?: string
  reasoningTrace?: ReasoningTrace
  humanOrigin?: HumanOrigin
}

/**
 * Records an action of an agent (EATP's AUDIT): gives its chain with one more anchor, which the authority of the genesis
 * record signs and which is bound to the chain as it was before.
 *
 * @throws MakeError if the chain is unknown, expired or not valid, or its authority inactive.
 */
export async function audit(entry: AuditEntry, known: Known, maker: Maker): Promise<TrustLineageChain> {
  const { agentId, action, result = ActionResult.SUCCESS, ...rest } = entry
  const { chain, genesis } = await sourceChain(agentId, known, maker)
  assureMayIssue(known.authorities.get(genesis.authorityId))
  const anchor = create(AuditAnchorSchema, {
    id: maker.newId("aud"),
    agentId,
    action,
    timestamp: nowText(maker),
    trustChainHash: trustChainHash(chain),
    result,
    ...rest,
  })
  hashReasoning(anchor)
  anchor.signature = await signText(maker.signer, auditAnchorPayload(anchor))
  await signReasoning(anchor, maker.signer)
  return create(TrustLineageChainSchema, {
    ...partsOf(chain),
    auditAnchors: [...chain.auditAnchors, anchor],
  })
}
