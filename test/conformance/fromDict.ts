import { type JsonObject, parseJson, pythonJson, readChainDict, stateHash } from "@trust-registry/eatp"
import { type Checker, judge, nameOf, objectAt, objectsAt, refuses, same, textAt } from "./vectors.js"

/** from_dict.json: which documents the reference implementation reads, and what it then makes of them. */
export const fromDict: Checker = function* (file) {
  for (const [index, vector] of objectsAt(file, "cases").entries()) {
    yield judge(nameOf(vector, index), () => check(vector))
  }
}

function check(vector: JsonObject): void {
  const expected = objectAt(vector, "expected")
  const document = parseJson(textAt(vector, "input_json"))
  if (expected.get("ok") !== true) {
    refuses("from_dict", () => pythonJson(readChainDict(document).dict))
    return
  }
  const { dict, state } = readChainDict(document)
  same("hash", stateHash(state), expected.get("hash"))
  same("to_dict_json", pythonJson(dict), pythonJson(parseJson(textAt(expected, "to_dict_json"))))
}
