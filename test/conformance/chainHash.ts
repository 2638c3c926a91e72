import {
  canonicalJson,
  chainFromDocument,
  chainHash as chainHashOf,
  constraintHash as constraintHashOf,
  documentFromChain,
  hashChain,
  type JsonObject,
  jsonText,
  linkedChainHash,
  linkedSalt,
  linkedStateHash,
  parseJson,
  pythonJson,
  readChainDict,
  saltedPreimage,
  stateHash,
  statePreimage,
  trustChainHash,
} from "@trust-registry/eatp"
import { type Checker, judge, nameOf, objectAt, objectsAt, same, textAt } from "./vectors.js"

/**
 * chain_hash.json: to_dict, the hashes of a chain and their pre-images, of the document and of our message.
 */
export const chainHash: Checker = function* (file) {
  for (const [index, vector] of objectsAt(file, "cases").entries()) {
    yield judge(nameOf(vector, index), () => {
      checkDocument(vector)
      checkMessage(vector)
    })
  }
}

function checkDocument(vector: JsonObject): void {
  const expected = objectAt(vector, "expected")
  const { dict, state, recomputedConstraintHash } = readChainDict(parseJson(textAt(vector, "full_json")))
  same("to_dict_json", pythonJson(dict), textAt(vector, "to_dict_json"))
  same("hash", stateHash(state), expected.get("hash"))
  same("hash_preimage", statePreimage(state), expected.get("hash_preimage"))
  const genesisId = textAt(objectAt(dict, "genesis"), "id")
  for (const linked of objectsAt(expected, "linked")) checkLinked(linked)
  function checkLinked(linked: JsonObject): void {
    const previous = textAt(linked, "previous_hash")
    same("salt", linkedSalt(genesisId), linked.get("salt"))
    same("preimage", saltedPreimage(state, linkedSalt(genesisId), previous), linked.get("preimage"))
    same("linked hash", linkedStateHash(state, genesisId, previous), linked.get("hash"))
  }
  same("constraint_hash_stored", state.constraintHash, expected.get("constraint_hash_stored"))
  same("constraint_hash_recomputed", recomputedConstraintHash, expected.get("constraint_hash_recomputed"))
  const signed = { ...state, constraintHash: recomputedConstraintHash }
  same("chain_state_payload", statePreimage(signed), expected.get("chain_state_payload"))
  same("to_dict_canonical", canonicalJson(dict), expected.get("to_dict_canonical"))
  same("trust_chain_hash", hashChain(dict), expected.get("trust_chain_hash"))
  const again = readChainDict(parseJson(textAt(vector, "to_dict_json")))
  same("roundtrip_hash", stateHash(again.state), expected.get("roundtrip_hash"))
  const equal = pythonJson(again.dict) === pythonJson(dict)
  same("roundtrip_to_dict_equal", equal, expected.get("roundtrip_to_dict_equal"))
}

function checkMessage(vector: JsonObject): void {
  const expected = objectAt(vector, "expected")
  const { chain } = chainFromDocument(textAt(vector, "full_json"))
  same("hash of the message", chainHashOf(chain), expected.get("hash"))
  for (const linked of objectsAt(expected, "linked")) {
    const found = linkedChainHash(chain, textAt(linked, "previous_hash"))
    same("linked hash of the message", found, linked.get("hash"))
  }
  same("trust_chain_hash of the message", trustChainHash(chain), expected.get("trust_chain_hash"))
  const constraints = chain.constraintEnvelope?.activeConstraints ?? []
  same("its constraint_hash", constraintHashOf(constraints), expected.get("constraint_hash_recomputed"))
  const full = jsonText(parseJson(textAt(vector, "full_json")))
  same("full form of the message", jsonText(parseJson(documentFromChain(chain))), full)
}
