import { isoFromMicros } from "../time/isoTime.js"
import { inTurns } from "../turns/turns.js"
import type { AuthorityKey } from "./authorityKeys.js"
import type { ChainSignature } from "./chainSignatures.js"
import { verifySignatures } from "./verifySignatures.js"

/**
 * Why a signature does not verify, where it was made with a key of its signer whose window does not cover the record's date: key,
 * window, date, and how far off it is. Undefined for every other reason.
 */
export async function windowProblem({ signer, outcome, claim }: ChainSignature): Promise<string | undefined> {
  if (signer === undefined || outcome !== "invalid") return undefined
  for (const key of signer.keys.filter(isBounded)) {
    const always: ChainSignature = { signer: { ...signer, keys: [{ publicKey: key.publicKey }] }, claim }
    await verifySignatures([always])
    const made = await inTurns(claim(signer))
    if (always.outcome === "valid" && typeof made === "object" && "text" in made)
      return textOf(key, made.atMicros)
  }
  return undefined
}

function isBounded({
  validFromMicros,
  validUntilMicros,
  revoked,
  compromisedAtMicros,
}: AuthorityKey): boolean {
  const known = revoked !== true && compromisedAtMicros === undefined
  return known && (validFromMicros !== undefined || validUntilMicros !== undefined)
}

function textOf({ keyId, publicKey, ...key }: AuthorityKey, at: bigint | undefined): string {
  const { validFromMicros: from, validUntilMicros: until } = key
  const begin = from === undefined ? "" : ` from ${isoFromMicros(from)}`
  const end = until === undefined ? "" : ` until ${isoFromMicros(until)}`
  const name = `its key ${JSON.stringify(keyId ?? publicKey)} signs${begin}${end}`
  if (at === undefined)
    return `does not verify: ${name}, and its date has no offset, so that no window covers it`
  const early = from !== undefined && at < from
  const off = early
    ? `${secondsOf(from - at)} s before that`
    : `${secondsOf(at - (until ?? at))} s after that`
  return `does not verify: ${name}, and it is dated ${isoFromMicros(at)}, ${off}`
}

function secondsOf(micros: bigint): string {
  return String(Number(micros) / 1e6)
}
