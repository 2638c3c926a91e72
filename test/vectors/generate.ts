import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  canonicalJson,
  constraintPreimage,
  delegateCanonicalJson,
  FromDictError,
  hashChain,
  hashConstraints,
  type Json,
  JsonNumber,
  type JsonObject,
  jcs,
  jcsSubjectHash,
  jsonText,
  linkedSalt,
  linkedStateHash,
  parseJson,
  parseTime,
  pythonJson,
  pythonStr,
  readChainDict,
  saltedPreimage,
  sha256Hex,
  stateHash,
  statePreimage,
} from "@trust-registry/eatp"
import { ownChains } from "./chains.js"
import { brokenDocuments, changedChains } from "./changes.js"
import { object } from "./documents.js"
import { constraintTexts, jsonTexts, timeTexts } from "./texts.js"
import { trustVectors } from "./trustCases.js"

// Writes the project's own vectors beside this file: `node --import tsx test/vectors/generate.ts`. The expectations are what
// our code computes; those of the first writing were compared with CPython 3.11.7 (json, str, hashlib, fromisoformat, PyNaCl) and
// with a plain rendering of from_dict and to_dict, and a change of any of them is to be compared again.

const folder = process.argv[2] ?? import.meta.dirname
const chains = ownChains()

mkdirSync(folder, { recursive: true })
writeCases("canonical_json", "The three encoders", canonicalCases(), {
  errors: encoderErrors(),
  upstream_vector_files: [],
})
writeCases("timestamps", "Python 3.11's fromisoformat", timeTexts.map(timeCase))
writeCases("constraint_hash", "Hashes of constraints", constraintCases())
writeCases("chain_hash", "Hashes of chains", [...chains].map(chainCase))
writeCases("hash_sensitivity", "Which hash sees which change", changedChains().map(changeCase))
writeCases(
  "from_dict",
  "Documents that from_dict reads, and that it refuses",
  brokenDocuments().map(fromDictCase),
)
for (const [name, { description, cases, extra }] of Object.entries(await trustVectors())) {
  writeCases(name, description, cases, extra)
}
writeText("chains.jsonl", [...chains.values()].map(jsonText))
writeText("chains.hashes.jsonl", [...chains.values()].map(hashLine))

function writeCases(
  name: string,
  description: string,
  cases: Json[],
  extra: Record<string, Json> = {},
): void {
  const file = object({
    description,
    source: "trust-registry",
    split: "own",
    python: "3.11",
    test_only_keys: true,
    case_count: new JsonNumber(String(cases.length)),
    ...extra,
    cases,
  })
  // One case a line, so that a change shows as what it is.
  const head = pythonJson(file).slice(0, -1 - pythonJson(cases).length)
  writeText(`${name}.json`, [`${head}[`, cases.map(pythonJson).join(",\n"), "]}"])
}

function writeText(name: string, lines: string[]): void {
  writeFileSync(join(folder, name), `${lines.join("\n")}\n`)
}

function canonicalCases(): Json[] {
  return Object.entries(jsonTexts).map(([name, input_json]) => {
    const input = parseJson(input_json)
    const expected = object({
      serialize_for_signing: canonicalJson(input),
      hash_chain: hashChain(input),
    })
    addIfEncoded(expected, "delegate_canonical_json", () => delegateCanonicalJson(input))
    addIfEncoded(expected, "jcs", () => jcs(input))
    addIfEncoded(expected, "jcs_subject_hash", () => jcsSubjectHash(input))
    return object({ name, input_json, expected })
  })
}

function addIfEncoded(expected: JsonObject, key: string, encode: () => string): void {
  try {
    expected.set(key, encode())
  } catch {
    // Left out: the encoder refuses this input.
  }
}

function encoderErrors(): Json[] {
  return ["NaN", "Infinity", "-Infinity"].flatMap((input) =>
    ["serialize_for_signing", "canonical_json_dumps", "jcs_encode"].map((fn) =>
      object({ input, fn, raises: "ValueError" }),
    ),
  )
}

function timeCase(input: string): Json {
  const time = parseTime(input)
  if (time === undefined) return object({ input, expected: object({ error: "ValueError" }) })
  const { isoformat, aware, utcMicros } = time
  return object({ input, expected: object({ isoformat, aware, utc_iso: utcIso(utcMicros) }) })
}

function utcIso(utcMicros: bigint | undefined): string | null {
  if (utcMicros === undefined) return null
  const micros = ((utcMicros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = new Date(Number((utcMicros - micros) / 1000n)).toISOString().slice(0, 19)
  return `${seconds}${micros === 0n ? "" : `.${String(micros).padStart(6, "0")}`}+00:00`
}

function constraintCases(): Json[] {
  const single = Object.entries(constraintTexts).map(([name, value]) =>
    constraintCase(name, [["con-1", value]]),
  )
  const texts = Object.values(constraintTexts)
  const several = texts.map((value, index): [string, string] => [`con-${(index * 5) % 7}`, value])
  return [constraintCase("none", []), ...single, constraintCase("ids out of order and repeated", several)]
}

function constraintCase(name: string, values: [id: string, value: string][]): Json {
  const constraints = values.map(([id, value]) =>
    object({
      id,
      constraint_type: "operational",
      value: parseJson(value),
      source: "genesis",
      priority: new JsonNumber("0"),
    }),
  )
  const sorted = [...values]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([id, value]) => ({ id, type: "operational", value: parseJson(value) }))
  const recomputed = hashConstraints(sorted)
  const expected = object({
    values_str: values.map(([, value]) => pythonStr(parseJson(value))),
    preimage: constraintPreimage(sorted),
    recomputed,
    on_construction: values.length === 0 ? "" : recomputed,
  })
  return object({ name, active_constraints_json: jsonText(constraints), expected })
}

function chainCase([name, full]: [string, JsonObject]): Json {
  const { dict, state, recomputedConstraintHash } = readChainDict(full)
  const hash = stateHash(state)
  const genesisId = state.genesisId as string
  const linked = [hash, "", "an earlier state"].map((previous_hash) =>
    object({
      previous_hash,
      salt: linkedSalt(genesisId),
      preimage: saltedPreimage(state, linkedSalt(genesisId), previous_hash),
      hash: linkedStateHash(state, genesisId, previous_hash),
    }),
  )
  const expected = object({
    hash,
    hash_preimage: statePreimage(state),
    linked,
    constraint_hash_stored: state.constraintHash,
    constraint_hash_recomputed: recomputedConstraintHash,
    chain_state_payload: statePreimage({ ...state, constraintHash: recomputedConstraintHash }),
    to_dict_canonical: canonicalJson(dict),
    trust_chain_hash: sha256Hex(canonicalJson(dict)),
    roundtrip_hash: hash,
    roundtrip_to_dict_equal: true,
  })
  return object({ name, full_json: jsonText(full), to_dict_json: pythonJson(dict), expected })
}

function changeCase({ name, base, mutated }: { name: string; base: JsonObject; mutated: JsonObject }): Json {
  const [before, after] = [readChainDict(base), readChainDict(mutated)]
  const signed = ({ state, recomputedConstraintHash: constraintHash }: typeof before) =>
    statePreimage({ ...state, constraintHash })
  return object({
    name,
    base_json: jsonText(base),
    mutated_json: jsonText(mutated),
    base_hash: stateHash(before.state),
    mutated_hash: stateHash(after.state),
    hash_changes: stateHash(before.state) !== stateHash(after.state),
    chain_state_changes: signed(before) !== signed(after),
    trust_chain_hash_changes: canonicalJson(before.dict) !== canonicalJson(after.dict),
  })
}

function fromDictCase({ name, input_json }: { name: string; input_json: string }): Json {
  try {
    const { dict, state } = readChainDict(parseJson(input_json))
    const expected = object({ ok: true, hash: stateHash(state), to_dict_json: pythonJson(dict) })
    return object({ name, input_json, expected })
  } catch (error) {
    if (!(error instanceof FromDictError)) throw error
    return object({ name, input_json, expected: object({ ok: false }) })
  }
}

function hashLine(full: JsonObject): string {
  const { dict, state } = readChainDict(full)
  const agentId = (dict.get("genesis") as JsonObject).get("agent_id") as Json
  return jsonText(object({ agent_id: agentId, chain_hash: stateHash(state) }))
}
