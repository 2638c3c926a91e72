import {
  type CrlEntry,
  canonicalJson,
  crlPayload,
  type HeadCommitment,
  headPayload,
  hmacSignature,
  type Json,
  type JsonObject,
  jsonText,
  linkHashes,
  parseJson,
  type RevocationEvent,
  revocationEventPayload,
  revocationLedgerTip,
  sha256Hex,
  signLedgerText,
  signText,
} from "@trust-registry/eatp"
import { signerOf } from "../support/trustWorld.js"
import { object } from "./documents.js"
import { integer, type Vectors } from "./trustCases.js"

const owner = signerOf("the owner of the ledger")

/** The revocation ledger, revocation lists with the linked hash chain, and dual signatures. */
export async function revocationVectors(): Promise<Record<string, Vectors>> {
  const ledgers = await Promise.all([0, 1, 3].map(ledgerCase))
  const lists = await Promise.all([0, 2].map(listCase))
  return {
    revocation_ledger: {
      description: "EATP-12 revocation ledgers",
      cases: ledgers,
      extra: { invalid_event_cases: invalidEvents },
    },
    crl: {
      description: "Revocation lists",
      cases: lists,
      extra: { linked_hash_chain_cases: [0, 1, 3].map(linkCase) },
    },
    dual_signature: {
      description: "Ed25519 and HMAC",
      cases: await Promise.all([dualCase(false), dualCase(true)]),
    },
  }
}

const invalidEvents = [
  ['{"delegation_id":"","epoch":1,"revoked_at":"2026-07-17T00:00:00.000000000Z"}', "RevocationLedgerError"],
  ['{"delegation_id":"é","epoch":1,"revoked_at":"2026-07-17T00:00:00.000000000Z"}', "RevocationLedgerError"],
  ['{"delegation_id":"d","epoch":-1,"revoked_at":"2026-07-17T00:00:00.000000000Z"}', "RevocationLedgerError"],
  ['{"delegation_id":"d","epoch":1,"revoked_at":"2026-07-17T00:00:00Z"}', "RevocationLedgerError"],
  ['{"delegation_id":"d","epoch":18446744073709551615,"revoked_at":"2026-07-17T00:00:00.000000000Z"}', "ok"],
].map(([input_json, expected], at) =>
  object({ name: `event ${at}`, input_json: input_json ?? "", expected: expected ?? "" }),
)

async function ledgerCase(length: number): Promise<Json> {
  const events = Array.from(
    { length },
    (_, at): RevocationEvent => ({
      delegationId: `del-${at}`,
      epoch: 2n ** 63n + BigInt(at),
      revokedAt: `2026-07-17T00:00:0${at}.123456789Z`,
    }),
  )
  const head: HeadCommitment = {
    epoch: 2n ** 63n + BigInt(length),
    blockCount: BigInt(length),
    tipHash: sha256Hex(`tip ${length}`),
    revocationLedgerTip: revocationLedgerTip(events),
    signedAt: "2026-07-18T00:00:00.000000001Z",
  }
  return object({
    name: `ledger of ${length}`,
    events: await Promise.all(events.map(eventJson)),
    expected_tip_hex: head.revocationLedgerTip,
    reversed_tip_hex: revocationLedgerTip([...events].reverse()),
    head: headJson(head),
    head_preimage: headPayload(head),
    head_signature_hex: await signLedgerText(owner, headPayload(head)),
    owner_public_key_hex: Buffer.from(owner.publicKey, "base64").toString("hex"),
  })
}

async function eventJson(event: RevocationEvent): Promise<JsonObject> {
  const preimage = revocationEventPayload(event)
  return object({
    delegation_id: event.delegationId,
    epoch: integer(event.epoch),
    revoked_at: event.revokedAt,
    preimage,
    signature_hex: await signLedgerText(owner, preimage),
  })
}

function headJson(head: HeadCommitment): JsonObject {
  return object({
    epoch: integer(head.epoch),
    block_count: integer(head.blockCount),
    tip_hash: head.tipHash,
    revocation_ledger_tip: head.revocationLedgerTip,
    signed_at: head.signedAt,
  })
}

async function listCase(length: number): Promise<Json> {
  const entries = Array.from(
    { length },
    (_, at): CrlEntry => ({
      delegationId: `del-${length - at}`,
      agentId: "vec-bob",
      revokedAt: "2026-07-17T00:00:00.5+02:00",
      reason: 'a "reason" – ночью\n',
      revokedBy: "ana",
      expiresAt: at === 0 ? undefined : "2026-08-01T00:00:00Z",
    }),
  )
  const list = { crlId: `crl-${length}`, issuerId: "org-a", issuedAt: "2026-07-18T00:00:00Z", entries }
  const canonical = crlPayload(list)
  return object({
    name: `list of ${length}`,
    metadata: object({ crl_id: list.crlId, issuer_id: list.issuerId, issued_at: list.issuedAt }),
    entries: entries.map(entryJson),
    canonical,
    public_key: signerOf("org-a").publicKey,
    signature: await signText(signerOf("org-a"), canonical),
    expected_valid: true,
  })
}

function entryJson(entry: CrlEntry): JsonObject {
  return object({
    delegation_id: entry.delegationId,
    agent_id: entry.agentId,
    revoked_at: entry.revokedAt,
    reason: entry.reason,
    revoked_by: entry.revokedBy,
    expires_at: entry.expiresAt ?? null,
  })
}

function linkCase(length: number): Json {
  const hashes = Array.from({ length }, (_, at) => sha256Hex(String(at)))
  return object({
    name: `${length} links`,
    original_hashes: hashes,
    linked_hashes: linkHashes(hashes),
    linkage_ok: [true, null],
    linkage_tampered: length === 0 ? null : [false, integer(length - 1)],
  })
}

async function dualCase(withHmac: boolean): Promise<Json> {
  const payload = parseJson('{"10":1.0,"2":1e-7,"é":["\\ud834\\udd1e"]}')
  const canonical = canonicalJson(payload)
  const key = Buffer.from("00112233445566778899aabbccddeeff", "hex")
  const dual: Record<string, Json> = { ed25519_signature: await signText(signerOf("org-a"), canonical) }
  if (withHmac) dual.hmac_signature = hmacSignature(payload, key)
  return object({
    name: withHmac ? "with HMAC" : "without HMAC",
    payload_json: jsonText(payload),
    canonical,
    hmac_key_hex: withHmac ? key.toString("hex") : null,
    public_key: signerOf("org-a").publicKey,
    dual: object(dual),
    expected_valid: true,
  })
}
