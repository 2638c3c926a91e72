import type { TrustLineageChain } from "@trust-registry/proto"
import { documentFromChain } from "../document/documentFromChain.js"
import { hashChain } from "../hash/hashChain.js"
import { parseJson } from "../json/parseJson.js"
import { readChainDict } from "./chainDict.js"

/**
 * EATP's trust_chain_hash, which an audit anchor holds: lowercase hex SHA-256 over the canonical JSON of the chain's
 * `to_dict`. It covers neither audit anchors nor the signatures of records.
 *
 * @throws DocumentError, FromDictError or CanonicalError for a chain that does not pass checkShape.
 */
export function trustChainHash(chain: TrustLineageChain): string {
  return hashChain(readChainDict(parseJson(documentFromChain(chain))).dict)
}
