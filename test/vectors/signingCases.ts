import {
  auditAnchorPayload,
  capabilityPayload,
  chainStatePayload,
  delegationPayload,
  documentFromChain,
  genesisPayload,
  type Json,
  type JsonObject,
  jsonText,
  parseJson,
  reasoningPayload,
  SigningPayloadError,
  selectDelegationVersion,
  sha256Hex,
} from "@trust-registry/eatp"
import type { DelegationRecord } from "@trust-registry/proto"
import { signerOf, type World } from "../support/trustWorld.js"
import { object } from "./documents.js"
import { chainOf, integer, type Vectors } from "./trustCases.js"

type Signed = {
  type: string
  version?: string | undefined
  record: Json
  canonical: string
  signature: string
}

/**
 * Every kind of record with its bytes and signature, and with the key of another authority; then raw texts.
 */
export function signingVectors(world: World): Vectors {
  const cases = ["vec-bob", "vec-carl", "vec-dora"].flatMap((agent) =>
    signedRecords(world, agent).flatMap((signed, index) => [
      signingCase(`${agent} ${index} ${signed.type}`, agent, signed, "org-a", true),
      signingCase(`${agent} ${index} ${signed.type}, another key`, agent, signed, "org-b", false),
    ]),
  )
  return { description: "Bytes and signatures of records", cases: [...cases, ...rawCases(world)] }
}

/** Delegations of each version, and changes that a version cannot sign. */
export function delegationVectors(world: World): Vectors {
  const carl = chainOf(world, "vec-carl").delegations[0] as DelegationRecord
  const records: Record<string, DelegationRecord> = {
    legacy: chainOf(world, "vec-bob").delegations[0] as DelegationRecord,
    v2: carl,
    v3: chainOf(world, "vec-dora").delegations[0] as DelegationRecord,
    "v2 with a part of a second": { ...carl, delegatedAt: "2026-09-01T12:00:00.5+00:00" },
    "v2 without offset": { ...carl, delegatedAt: "2026-09-01T12:00:00" },
    "v2 in another offset": { ...carl, delegatedAt: "2026-09-01T12:00:00-03:30" },
    "v2 beyond ASCII": { ...carl, delegatorId: "böb" },
    "v9 is no version": { ...carl, signingPayloadVersion: "v9" },
  }
  const cases = Object.entries(records).map(([name, record]) => delegationCase(world, name, record))
  const policies = [policyCase("two of two", 2, ["ab", "cd"]), policyCase("too many", 3, ["ab", "cd"])]
  return { description: "Which bytes a delegation signs", cases, extra: { multi_sig_policy_cases: policies } }
}

function signedRecords(world: World, agent: string): Signed[] {
  const chain = chainOf(world, agent)
  const document = parseJson(documentFromChain(chain)) as JsonObject
  const part = (key: string, at: number) => (document.get(key) as Json[])[at] as JsonObject
  const genesis = chain.genesis as NonNullable<typeof chain.genesis>
  const state = chain.chainStateSignature ?? ""
  return [
    { type: "genesis", record: document.get("genesis") as Json, ...signed(genesis, genesisPayload(genesis)) },
    ...chain.capabilities.map((item, at) => ({
      ...{ type: "capability", version: item.signingPayloadVersion, record: part("capabilities", at) },
      ...signed(item, capabilityPayload(item, agent)),
    })),
    ...chain.delegations.map((item, at) => ({
      ...{ type: "delegation", version: item.signingPayloadVersion, record: part("delegations", at) },
      ...signed(item, delegationPayload(item)),
    })),
    ...chain.auditAnchors.map((item, at) => ({
      ...{ type: "audit_anchor", record: part("audit_anchors", at) },
      ...signed(item, auditAnchorPayload(item)),
    })),
    ...chain.auditAnchors.map((item, at) => ({
      ...{
        type: "reasoning_trace",
        version: item.id,
        record: part("audit_anchors", at).get("reasoning_trace") ?? null,
      },
      canonical: item.reasoningTrace === undefined ? "" : reasoningPayload(item.reasoningTrace, item.id),
      signature: item.reasoningSignature ?? "",
    })),
    { type: "chain_state", record: document, canonical: chainStatePayload(chain), signature: state },
  ]
}

function signed({ signature }: { signature: string }, canonical: string) {
  return { canonical, signature }
}

function signingCase(name: string, agent: string, item: Signed, authority: string, valid: boolean): Json {
  const isTrace = item.type === "reasoning_trace"
  return object({
    name,
    record_type: item.type,
    version: isTrace ? null : (item.version ?? null),
    subject_agent_id: item.type === "capability" ? agent : null,
    context_id: isTrace ? (item.version ?? null) : null,
    record_json: jsonText(item.record),
    canonical: item.canonical,
    canonical_sha256: sha256Hex(item.canonical),
    public_key: signerOf(authority).publicKey,
    signature: item.signature,
    expected: object({ valid }),
  })
}

function rawCases(world: World): Json[] {
  const genesis = chainOf(world, "vec-bob").genesis
  const [signature, canonical] = [
    genesis?.signature ?? "",
    genesis === undefined ? "" : genesisPayload(genesis),
  ]
  const key = signerOf("org-a").publicKey
  const identity = Buffer.concat([Buffer.from([1]), Buffer.alloc(63)])
  const raw = (name: string, publicKey: string, text: string, valid: boolean) =>
    object({
      name: `raw ${name}`,
      record_type: "raw",
      record_json: jsonText(object({ message: canonical })),
      ...{ canonical, public_key: publicKey, signature: text, expected: object({ valid }) },
    })
  return [
    raw("as signed", key, signature, true),
    raw("identity key", identity.subarray(0, 32).toString("base64"), identity.toString("base64"), false),
    raw("no padding", key, signature.replace(/=+$/, ""), false),
    raw(
      "URL-safe digits",
      key,
      signature.replaceAll("+", "-").replaceAll("/", "_"),
      /[+/]/.test(signature) === false,
    ),
    raw("empty", key, "", false),
  ]
}

function delegationCase(world: World, name: string, record: DelegationRecord): Json {
  const chain = { ...chainOf(world, "vec-carl"), delegations: [record] }
  const document = parseJson(documentFromChain(chain)) as JsonObject
  const canonical = attempt(() => delegationPayload(record))
  const expected: Record<string, Json> = {
    selected_version: selectDelegationVersion(record),
    from_dict: "ok",
  }
  if (canonical.value === undefined) expected.canonical_error = canonical.error ?? null
  else expected.canonical = canonical.value
  return object({
    name,
    record_json: jsonText((document.get("delegations") as Json[])[0] ?? null),
    expected: object(expected),
  })
}

function attempt(action: () => string): { value?: string; error?: string } {
  try {
    return { value: action() }
  } catch (error) {
    if (!(error instanceof SigningPayloadError)) throw error
    return { error: error.code === "unsignable" ? "ValueError" : "UnsupportedSigningPayloadVersionError" }
  }
}

function policyCase(name: string, threshold: number, bytes: string[]): Json {
  const signers = bytes.map((byte) => byte.repeat(32))
  const ok = threshold <= signers.length
  const message = `multi-sig threshold (${threshold}) cannot exceed the number of distinct signers (${signers.length})`
  const expected = ok ? object({ ok, sorted: [...signers].sort() }) : object({ ok, message })
  return object({ name, threshold: integer(threshold), signers, expected })
}
