export {
  DOCUMENT_TYPE,
  type Document,
  documentHash,
  documentText,
  withMarksOf,
  withoutMarks,
} from "./authority/authorityDocument.js"
export {
  isUpdatePath,
  pathsSet,
  UPDATE_PATHS,
  type UpdatePath,
  updatedAuthority,
} from "./authority/authorityUpdate.js"
export {
  type AuthorityAnchor,
  pinnedAuthorities,
  type VerifiedAuthority,
  verifyDocuments,
} from "./authority/documentChain.js"
export { MAX_DOCUMENT_SIGNATURES, type ProofContext, proofViolations } from "./authority/documentProof.js"
export { type Rotation, type RotationTimes, rotatedKeys, rotationOf } from "./authority/keyRotation.js"
export { type KeySigner, signDocument } from "./authority/signDocument.js"
export { trustAuthority } from "./authority/trustAuthority.js"
export { canonicalJson, delegateCanonicalJson, pythonJson } from "./canonical/canonical.js"
export { JCS_BOUNDS, jcs } from "./canonical/jcs.js"
export { type ChainDict, readChainDict } from "./dict/chainDict.js"
export { trustChainHash } from "./dict/trustChainHash.js"
export { chainFromDocument, type DocumentChain, recordFromDocument } from "./document/chainFromDocument.js"
export { DocumentError } from "./document/documentError.js"
export { documentFromChain } from "./document/documentFromChain.js"
export { numberOf, wordOf, wordsOf } from "./document/words.js"
export { chainHash, chainState, constraintHash, linkedChainHash } from "./hash/chainHash.js"
export { constraintPreimage, type HashedConstraint, hashConstraints } from "./hash/constraintHash.js"
export { contentHash, contentHashOfJson, contentJson, contentText } from "./hash/contentHash.js"
export { hashChain } from "./hash/hashChain.js"
export { jcsSubjectHash } from "./hash/jcsSubjectHash.js"
export { brokenLink, linkHashes } from "./hash/linkedHashChain.js"
export { type MerkleStep, merkleProof, merkleRoot, verifyMerkleProof } from "./hash/merkle.js"
export { sha256Hex } from "./hash/sha256.js"
export {
  type ChainState,
  linkedSalt,
  linkedStateHash,
  saltedPreimage,
  saltedStateHash,
  stateHash,
  statePreimage,
} from "./hash/stateHash.js"
export { parseDuration } from "./input/duration.js"
export { INSTANT_FORM, parseInstant } from "./input/instant.js"
export { isUuid } from "./input/uuid.js"
export { MAX_INT64, parseWholeNumber } from "./input/wholeNumber.js"
export { byCodePoint } from "./json/codePointOrder.js"
export { compactJson } from "./json/compactJson.js"
export { type Json, JsonNumber, JsonObject } from "./json/json.js"
export { jsonText } from "./json/jsonText.js"
export { JsonSyntaxError, type JsonSyntaxReason } from "./json/jsonTokens.js"
export { DEFAULT_JSON_DEPTH, type ParseJsonOptions, parseJson, parseSteps } from "./json/parseJson.js"
export { type Attestation, attest } from "./make/attest.js"
export { type AuditEntry, audit } from "./make/audit.js"
export type { CapabilityGrant } from "./make/capability.js"
export { type Delegation, delegate } from "./make/delegate.js"
export { type Establishment, establish } from "./make/establish.js"
export { usualPermissions } from "./make/issuer.js"
export { MakeError, type MakeErrorCode } from "./make/makeError.js"
export type { IdKind, Known, Maker } from "./make/maker.js"
export { newRecordFaults } from "./make/newRecords.js"
export { resign } from "./make/resign.js"
export { CanonicalError } from "./python/pythonNumber.js"
export { pythonStr, pythonStringRepr } from "./python/pythonStr.js"
export { FromDictError } from "./python/pythonValues.js"
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
export {
  effectiveExpiry,
  expiredPart,
  isEffective,
  isExpired,
  isInForce,
  type Standing,
} from "./rules/expiry.js"
export { heedProblem, MAX_HEEDS } from "./rules/heeds.js"
export { RULE_NAMES } from "./rules/limitRules.js"
export { type Lineage, lineageInTurns, lineageOf, MAX_DELEGATION_DEPTH } from "./rules/lineage.js"
export { type Loosening, looserConstraints } from "./rules/tightening.js"
export { checkShape, shapeSteps } from "./shape/shape.js"
export { AUTHORITY_LIMITS, checkAuthorityShape } from "./shape/shapeAuthority.js"
export { DEFAULT_LIMITS, type ShapeLimits, type Violation } from "./shape/shapeContext.js"
export { jsonProblem, jsonProblemSteps, textProblem } from "./shape/shapeJson.js"
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
export { quoted, visible, visibleJson, visibleName } from "./text/visible.js"
export { isoFromMicros } from "./time/isoTime.js"
export { isBefore, microsOfMoment, momentProblem } from "./time/moment.js"
export { type ParsedTime, parseTime } from "./time/time.js"
export { atOnce, createTurns, inTurns, mapInTurns, nextTurn, takeTurn } from "./turns/turns.js"
export {
  type AuthorityKey,
  keysFor,
  type SigningTime,
  type TrustAuthority,
  type TrustRecognition,
  trustKeyOf,
  trustRecognitionOf,
} from "./verify/authorityKeys.js"
export { type AuthorityVerdict, checkAuthority } from "./verify/checkAuthority.js"
export type { ConstraintFinding } from "./verify/constraintChecks.js"
export { type Explained, explained } from "./verify/denialCause.js"
export { commandRemedy, type Told } from "./verify/denialSentences.js"
export {
  type IssuanceFault,
  type IssuanceReason,
  type IssuanceTime,
  mayDo,
} from "./verify/issuance.js"
export {
  type Descendants,
  type PlacedChain,
  type RevokedOrigin,
  revokedDescendants,
} from "./verify/revokedDescent.js"
export type { Signers } from "./verify/signedFields.js"
export { checkSignatures, type SignatureFindings } from "./verify/storedSignatures.js"
export type {
  AgentRevocations,
  Lookup,
  StoredTrust,
  TrustInput,
  TrustLevel,
  TrustOptions,
  TrustRequest,
} from "./verify/trustInput.js"
export type { PathRecord } from "./verify/trustPath.js"
export type {
  DenialFacts,
  DenialReason,
  TrustVerdict,
  TrustViolation,
  UnenforcedConstraint,
} from "./verify/verdict.js"
export { verifyTrust } from "./verify/verifyTrust.js"
