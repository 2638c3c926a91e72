export { canonicalJson, delegateCanonicalJson, pythonJson } from "./canonical.js"
export { type ChainDict, readChainDict } from "./chainDict.js"
export { chainFromDocument, type DocumentChain } from "./chainFromDocument.js"
export { chainHash, chainState, constraintHash, linkedChainHash, trustChainHash } from "./chainHash.js"
export { byCodePoint } from "./codePointOrder.js"
export { compactJson } from "./compactJson.js"
export { constraintPreimage, type HashedConstraint, hashConstraints } from "./constraintHash.js"
export { contentHash, contentHashOfJson, contentJson } from "./contentHash.js"
export { DocumentError } from "./documentError.js"
export { documentFromChain } from "./documentFromChain.js"
export { effectiveExpiry, expiredPart } from "./expiry.js"
export { hashChain } from "./hashChain.js"
export { JCS_BOUNDS, jcs, jcsSubjectHash } from "./jcs.js"
export { type Json, JsonNumber, JsonObject } from "./json.js"
export { jsonText } from "./jsonText.js"
export { JsonSyntaxError, type JsonSyntaxReason } from "./jsonTokens.js"
export { DEFAULT_JSON_DEPTH, type ParseJsonOptions, parseJson } from "./parseJson.js"
export { CanonicalError } from "./pythonNumber.js"
export { pythonStr, pythonStringRepr } from "./pythonStr.js"
export { FromDictError } from "./pythonValues.js"
export { sha256Hex } from "./sha256.js"
export { checkShape } from "./shape.js"
export { DEFAULT_LIMITS, type ShapeLimits, type Violation } from "./shapeContext.js"
export { jsonProblem, textProblem } from "./shapeJson.js"
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
export { numberOf, wordOf, wordsOf } from "./words.js"
