import {
  headPayload,
  type JsonObject,
  memorySigner,
  parseJson,
  revocationEventPayload,
  revocationLedgerTip,
  revokedIds,
  signLedgerText,
  verifyLedgerText,
} from "@trust-registry/eatp"
import { eventOf, headOf } from "./ledgerVectors.js"
import {
  type Checker,
  judge,
  judgeLater,
  nameOf,
  objectAt,
  objectsAt,
  refuses,
  same,
  textAt,
} from "./vectors.js"

/** revocation_ledger.json: events, tips and heads of EATP-12, their signatures, and what is refused. */
export const revocationLedger: Checker = async function* (file) {
  for (const [index, vector] of objectsAt(file, "cases").entries()) {
    yield judge(nameOf(vector, index), () => checkLedger(vector))
  }
  for (const [index, vector] of objectsAt(file, "invalid_event_cases").entries()) {
    yield judge(nameOf(vector, index), () => checkEvent(vector))
  }
  for (const [name, upstream] of upstreamFiles(file)) {
    const keys = objectAt(upstream, "keypair")
    for (const vector of objectsAt(upstream, "vectors")) {
      yield judgeLater(`${name} ${textAt(vector, "id")}`, () => checkPinned(vector, keys))
    }
  }
}

function* upstreamFiles(file: JsonObject): Iterable<[string, JsonObject]> {
  if (!file.has("upstream_vector_files")) return
  const files = objectAt(file, "upstream_vector_files")
  for (const name of files.keys()) yield [name, objectAt(files, name)]
}

function checkLedger(vector: JsonObject): void {
  const owner = textAt(vector, "owner_public_key_hex")
  const events = objectsAt(vector, "events").map((event) => {
    const payload = revocationEventPayload(eventOf(event))
    same("preimage", payload, event.get("preimage"))
    same("event signature", verifyLedgerText(payload, textAt(event, "signature_hex"), owner), true)
    return eventOf(event)
  })
  same("tip", revocationLedgerTip(events), vector.get("expected_tip_hex"))
  same("reversed tip", revocationLedgerTip([...events].reverse()), vector.get("reversed_tip_hex"))
  const head = headOf(objectAt(vector, "head"))
  const headSignature = textAt(vector, "head_signature_hex")
  same("head_preimage", headPayload(head), vector.get("head_preimage"))
  const revoked = revokedIds({ events, head, headSignature, ownerPublicKey: owner })
  same("revoked ids", revoked.size, new Set(events.map(({ delegationId }) => delegationId)).size)
  if (events.length > 0) {
    const fewer = { events: events.slice(1), head, headSignature, ownerPublicKey: owner }
    refuses("a ledger that lacks an event", () => revokedIds(fewer))
  }
}

function checkEvent(vector: JsonObject): void {
  const payload = () => revocationEventPayload(eventOf(parseJson(textAt(vector, "input_json")) as JsonObject))
  if (vector.get("expected") === "ok") payload()
  else refuses("the event", payload)
}

async function checkPinned(vector: JsonObject, keys: JsonObject): Promise<undefined> {
  if (vector.has("expected_tip_hex")) {
    const events = objectsAt(vector, "events").map(eventOf)
    same("tip", revocationLedgerTip(events), vector.get("expected_tip_hex"))
    return
  }
  const input = objectAt(vector, "input")
  const payload = input.has("tip_hash") ? headPayload(headOf(input)) : revocationEventPayload(eventOf(input))
  same("preimage", payload, vector.get("expected_canonical_preimage"))
  const seed = Buffer.from(textAt(keys, "secret_key_hex"), "hex").toString("base64")
  same("signature", await signLedgerText(memorySigner(seed), payload), vector.get("expected_signature_hex"))
}
