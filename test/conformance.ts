import { readdirSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { JsonObject, parseJson } from "@trust-registry/eatp"
import { authorityDocuments } from "./conformance/authorityDocuments.js"
import { canonicalJson } from "./conformance/canonicalJson.js"
import { chainHash } from "./conformance/chainHash.js"
import { constraintHash } from "./conformance/constraintHash.js"
import { crl } from "./conformance/crl.js"
import { delegationGraph } from "./conformance/delegationGraph.js"
import { delegationPayload } from "./conformance/delegationPayload.js"
import { dualSignature } from "./conformance/dualSignature.js"
import { fromDict } from "./conformance/fromDict.js"
import { hashSensitivity } from "./conformance/hashSensitivity.js"
import { merkle } from "./conformance/merkle.js"
import { revocationLedger } from "./conformance/revocationLedger.js"
import { signing } from "./conformance/signing.js"
import { timestamps } from "./conformance/timestamps.js"
import type { Checker, Outcome } from "./conformance/vectors.js"
import { verdictLines, verdictsFolder } from "./conformance/verdictLines.js"
import { verification } from "./conformance/verification.js"

// Replays EATP vectors against our code: `npm run conformance -- DIR`. One line per file, `NAME: N passed, N
// failed`, with the failures below it, and then our answer to each case where the reference implementation's
// is not to be copied, or a count of them for each class of docs/stricter.md; the exit code is 1 unless every case of every file passed.

const checkers: Record<string, Checker> = {
  authority_documents: authorityDocuments,
  canonical_json: canonicalJson,
  chain_hash: chainHash,
  constraint_hash: constraintHash,
  crl,
  delegation_graph: delegationGraph,
  delegation_payload: delegationPayload,
  dual_signature: dualSignature,
  from_dict: fromDict,
  hash_sensitivity: hashSensitivity,
  merkle,
  revocation_ledger: revocationLedger,
  signing,
  timestamps,
  verification,
}

// Classes of docs/stricter.md, each with how often ours is no where the reference implementation says yes.
const STRICTER = "stricter: "

const folder = process.argv[2] ?? join(import.meta.dirname, "vectors")
const names = vectorNames(folder)
const results: boolean[] = []
for (const name of names) results.push(await runFile(folder, name))
const verdicts = verdictsFolder(folder)
if (verdicts !== undefined) results.push(await report("chains.verdicts", verdictLines(verdicts)))
if (results.length === 0) console.error(`No vector file in ${folder}`)
process.exitCode = results.length > 0 && results.every(Boolean) ? 0 : 1

function vectorNames(directory: string): string[] {
  const files = readdirSync(directory).filter((file) => file.endsWith(".json"))
  return files.map((file) => basename(file, ".json")).sort()
}

async function runFile(directory: string, name: string): Promise<boolean> {
  const checker = checkers[name]
  if (checker === undefined) {
    console.error(`${name}: no such vectors are known`)
    return false
  }
  return report(name, checker(readVectors(join(directory, `${name}.json`))))
}

async function report(name: string, judged: Iterable<Outcome> | AsyncIterable<Outcome>): Promise<boolean> {
  const outcomes: Outcome[] = []
  for await (const outcome of judged) outcomes.push(outcome)
  const failures = outcomes.filter((outcome) => outcome.problem !== undefined)
  console.log(`${name}: ${outcomes.length - failures.length} passed, ${failures.length} failed`)
  for (const failure of failures) console.log(`  ${failure.name}: ${failure.problem}`)
  for (const { name, note } of outcomes)
    if (note !== undefined && !note.startsWith(STRICTER)) console.log(`  ours: ${name}: ${note}`)
  for (const [note, count] of countsOf(outcomes)) console.log(`  ${note}: ${count}`)
  return failures.length === 0 && outcomes.length > 0
}

function countsOf(outcomes: Outcome[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { note } of outcomes)
    if (note?.startsWith(STRICTER)) counts.set(note, (counts.get(note) ?? 0) + 1)
  return counts
}

function readVectors(path: string): JsonObject {
  const file = parseJson(readFileSync(path, "utf8"))
  if (!(file instanceof JsonObject)) throw new Error(`${path} holds no object`)
  return file
}
