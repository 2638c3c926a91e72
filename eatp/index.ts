export { canonicalJson, delegateCanonicalJson, pythonJson } from "./canonical.js"
export { type ChainDict, readChainDict } from "./chainDict.js"
export { chainFromDocument, type DocumentChain, recordFromDocument } from "./chainFromDocument.js"
export { chainHash, chainState, constraintHash, linkedChainHash, trustChainHash } from "./chainHash.js"
export { byCodePoint } from "./codePointOrder.js"
export { compactJson } from "./compactJson.js"
export { constraintPreimage, type HashedConstraint, hashConstraints } from "./constraintHash.js"
export { contentHash, contentHashOfJson, contentJson } from "./contentHash.js"
export { DocumentError } from "./documentError.js"
export { documentFromChain } from "./documentFromChain.js"
export { effectiveExpiry, expiredPart } from "./expiry.js"
export { hashChain } from "./hashChain.js"
export { isoFromMicros } from "./isoTime.js"
export { JCS_BOUNDS, jcs, jcsSubjectHash } from "./jcs.js"
export { type Json, JsonNumber, JsonObject } from "./json.js"
export { jsonText } from "./jsonText.js"
export { JsonSyntaxError, type JsonSyntaxReason } from "./jsonTokens.js"
export { brokenLink, linkHashes } from "./linkedHashChain.js"
export { type Attestation, attest } from "./make/attest.js"
export { type AuditEntry, audit } from "./make/audit.js"
export type { CapabilityGrant } from "./make/capability.js"
export { type Delegation, delegate } from "./make/delegate.js"
export { type Establishment, establish } from "./make/establish.js"
export { MAX_DELEGATION_DEPTH } from "./make/lending.js"
export { MakeError, type MakeErrorCode } from "./make/makeError.js"
export type { IdKind, Known, Maker } from "./make/maker.js"
export { resign } from "./make/resign.js"
export { type MerkleStep, merkleProof, merkleRoot, verifyMerkleProof } from "./merkle.js"
export { isBefore, momentProblem } from "./moment.js"
export { DEFAULT_JSON_DEPTH, type ParseJsonOptions, parseJson } from "./parseJson.js"
export { CanonicalError } from "./pythonNumber.js"
export { pythonStr, pythonStringRepr } from "./pythonStr.js"
export { FromDictError } from "./pythonValues.js"
export { type CrlEntry, crlPayload, type RevocationList } from "./revocation/crl.js"
export {
  acceptHead,
  type HeadCommitment,
  type HighWater,
  headPayload,
  signLedgerText,
  verifyLedgerText,
} from "./revocation/headCommitment.js"
export {
  appendRevocation,
  GENESIS_TIP,
  type RevocationEvent,
  revocationEventPayload,
  revocationLedgerTip,
} from "./revocation/ledger.js"
export { RevocationError } from "./revocation/revocationError.js"
export { revokedIds, type SignedLedger } from "./revocation/signedLedger.js"
export { capabilityCovers } from "./rules/capabilityMatch.js"
export { type ConstraintRequest, forbids } from "./rules/constraintEvaluation.js"
export {
  DelegationCycleError,
  DelegationDepthError,
  type DelegationProblem,
  delegationChain,
  delegationProblems,
  type LinkedDelegation,
} from "./rules/delegationChain.js"
export { cascade, type DelegationEdge, delegationCycle, mayDelegate } from "./rules/delegationGraph.js"
export { type Lineage, lineageOf } from "./rules/lineage.js"
export { type Loosening, looserConstraints } from "./rules/tightening.js"
export { sha256Hex } from "./sha256.js"
export { checkShape } from "./shape.js"
export { AUTHORITY_LIMITS, checkAuthorityShape } from "./shapeAuthority.js"
export { DEFAULT_LIMITS, type ShapeLimits, type Violation } from "./shapeContext.js"
export { jsonProblem, textProblem } from "./shapeJson.js"
export { decodeExactly } from "./signing/base64.js"
export { delegationPayload } from "./signing/delegationPayload.js"
export {
  DELEGATION_LEGACY,
  DELEGATION_V2,
  DELEGATION_V3,
  isUnscoped,
  selectDelegationVersion,
} from "./signing/delegationVersion.js"
export { type DualSignature, hmacSignature, verifyDualSignature } from "./signing/dualSignature.js"
export {
  isSignature,
  type MemorySigner,
  memorySigner,
  type Signer,
  signText,
  verifyText,
} from "./signing/ed25519.js"
export { engineLegacyPayload } from "./signing/enginePayload.js"
export { generateKeyPair, type KeyPair } from "./signing/keys.js"
export { checkPolicy } from "./signing/multiSigPolicy.js"
export { reasoningPayload, reasoningTraceHash } from "./signing/reasoningPayload.js"
export {
  auditAnchorPayload,
  CAPABILITY_LEGACY,
  CAPABILITY_SUBJECT_BOUND,
  capabilityPayload,
  chainStatePayload,
  genesisPayload,
} from "./signing/recordPayload.js"
export { type SigningPayloadCode, SigningPayloadError } from "./signing/signingPayloadError.js"
export {
  type ChainState,
  linkedSalt,
  linkedStateHash,
  saltedPreimage,
  saltedStateHash,
  stateHash,
  statePreimage,
} from "./stateHash.js"
export { type ParsedTime, parseTime } from "./time.js"
export { type AuthorityKey, keysFor, type SigningTime, type TrustAuthority } from "./verify/authorityKeys.js"
export type {
  AgentRevocations,
  Lookup,
  StoredTrust,
  TrustInput,
  TrustLevel,
  TrustOptions,
  TrustRequest,
} from "./verify/trustInput.js"
export type { DenialReason, TrustVerdict, TrustViolation } from "./verify/verdict.js"
export { verifyTrust } from "./verify/verifyTrust.js"
export { numberOf, wordOf, wordsOf } from "./words.js"
