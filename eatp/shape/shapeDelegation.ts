import type { DelegationRecord, MultiSigSigningPolicy } from "@trust-registry/proto"
import { isAwareTime } from "../time/time.js"
import type { ShapeContext } from "./shapeContext.js"
import { NAIVE } from "./shapeRecord.js"

const V2_VERSION = "v2-complete"
const V3_VERSION = "v3-complete"

/** Checks the rules for delegations: dimensions, versions and several signers, as EATP's from_dict does. */
export function checkDelegation(delegation: DelegationRecord, path: string, context: ShapeContext): void {
  const version = delegation.signingPayloadVersion
  if (version === V2_VERSION || version === V3_VERSION) {
    if (isAwareTime(delegation.delegatedAt) === false) context.report(`${path}.delegated_at`, NAIVE)
  }
  if (new Set(delegation.dimensionScope).size < delegation.dimensionScope.length) {
    context.report(`${path}.dimension_scope`, "must not name a dimension twice")
  }
  checkMultiSig(delegation, path, context)
}

function checkMultiSig(delegation: DelegationRecord, path: string, { report }: ShapeContext): void {
  const { multiSig, multiSigPolicy: policy } = delegation
  if (multiSig && policy === undefined) {
    report(`${path}.multi_sig_policy`, "must be set where multi_sig is true")
  }
  if (!multiSig && policy !== undefined)
    report(`${path}.multi_sig`, "must be true where multi_sig_policy is set")
  if (multiSig && delegation.signingPayloadVersion !== V3_VERSION) {
    report(`${path}.signing_payload_version`, `must be ${V3_VERSION} where multi_sig is true`)
  }
  if (policy !== undefined) checkPolicy(policy, `${path}.multi_sig_policy`, report)
}

function checkPolicy(policy: MultiSigSigningPolicy, path: string, report: ShapeContext["report"]): void {
  const seen = new Set<string>()
  for (const [index, signer] of policy.authorizedSigners.entries()) {
    const field = `${path}.authorized_signers[${index}]`
    if (!/^[0-9a-fA-F]{64}$/.test(signer)) report(field, "must be 32 bytes as 64 hex digits")
    else if (seen.has(signer.toLowerCase())) report(field, "repeats a signer")
    seen.add(signer.toLowerCase())
  }
  if (seen.size === 0) report(`${path}.authorized_signers`, "must name a signer")
  else if (policy.threshold < 1n || policy.threshold > BigInt(seen.size)) {
    report(`${path}.threshold`, `must be 1 to the number of signers, ${seen.size}`)
  }
}
