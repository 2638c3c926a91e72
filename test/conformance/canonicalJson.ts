import {
  delegateCanonicalJson,
  hashChain,
  type Json,
  JsonNumber,
  JsonObject,
  jcs,
  jcsSubjectHash,
  parseJson,
  parseTime,
  sha256Hex,
  canonicalJson as signingJson,
} from "@trust-registry/eatp"
import { type Checker, judge, nameOf, objectAt, objectsAt, refuses, same, textAt } from "./vectors.js"

/**
 * canonical_json.json: the three encoders, what they refuse, and the reference implementation's own pinned
 * vectors.
 */
export const canonicalJson: Checker = function* (file) {
  for (const [index, vector] of objectsAt(file, "cases").entries()) {
    yield judge(nameOf(vector, index), () => checkCase(vector))
  }
  for (const vector of objectsAt(file, "errors")) {
    yield judge(`${textAt(vector, "fn")} of ${textAt(vector, "input")}`, () => checkError(vector))
  }
  for (const upstream of objectsAt(file, "upstream_vector_files")) {
    for (const vector of objectsAt(upstream, "vectors")) {
      yield judge(textAt(vector, "name"), () => checkUpstream(textAt(upstream, "file"), vector))
    }
  }
}

const encoders: Record<string, (value: Json) => string> = {
  serialize_for_signing: signingJson,
  canonical_json_dumps: delegateCanonicalJson,
  jcs_encode: jcs,
}

function checkCase(vector: JsonObject): void {
  const expected = objectAt(vector, "expected")
  const input = parseJson(textAt(vector, "input_json"))
  same("serialize_for_signing", signingJson(input), expected.get("serialize_for_signing"))
  same("hash_chain", hashChain(input), expected.get("hash_chain"))
  checkOptional(expected, "delegate_canonical_json", () => delegateCanonicalJson(input))
  checkOptional(expected, "jcs", () => jcs(input))
  checkOptional(expected, "jcs_subject_hash", () => jcsSubjectHash(input))
}

// Where a case has no such expectation the reference implementation refused the input.
function checkOptional(expected: JsonObject, key: string, encode: () => string): void {
  if (expected.has(key)) same(key, encode(), expected.get(key))
  else refuses(key, encode)
}

function checkError(vector: JsonObject): void {
  const input = textAt(vector, "input")
  const encode = encoders[textAt(vector, "fn")]
  if (encode === undefined) throw new Error("There is no such encoder")
  refuses("parseJson", () => parseJson(input))
  refuses("the encoder", () => encode([new JsonNumber(input)]))
}

function checkUpstream(file: string, vector: JsonObject): void {
  const encode = file.includes("delegate-canonical") ? delegateCanonicalJson : signingJson
  const text = encode(typed(vector.get("input_repr") as Json))
  same("expected_canonical_json", text, vector.get("expected_canonical_json"))
  same("expected_sha256", sha256Hex(text), vector.get("expected_sha256"))
}

// Python values that JSON lacks are written {"$type", "$value"}; the encoder sees the text that Python makes
// of them.
function typed(value: Json): Json {
  if (Array.isArray(value)) return value.map(typed)
  if (!(value instanceof JsonObject)) return value
  const type = value.get("$type")
  if (typeof type !== "string") return new JsonObject([...value].map(([key, item]) => [key, typed(item)]))
  const text = textAt(value, "$value")
  if (type !== "datetime") return text
  const time = parseTime(text)
  if (time === undefined) throw new Error(`No time: ${text}`)
  return time.isoformat
}
