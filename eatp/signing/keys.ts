import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto"
import { decodeExactly } from "./base64.js"
import { isSafeKey } from "./edwards.js"

/** A key pair as EATP writes it: base64 of the 32-byte seed and of the 32-byte public key. */
export type KeyPair = { privateKey: string; publicKey: string }

/** Makes a new Ed25519 key pair from the system's randomness. */
export function generateKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  return {
    privateKey: base64Of(privateKey.export({ type: "pkcs8", format: "der" })),
    publicKey: base64Of(publicKey.export({ type: "spki", format: "der" })),
  }
}

/**
 * The public key of base64 text; undefined for text that is no key, and for keys that anybody can sign for
 * (small order). The last thousand keys are remembered: to make a key costs as much as half a signature
 * check.
 */
export function publicKeyOf(text: string): KeyObject | undefined {
  const known = recent.get(text)
  if (known !== undefined) return known
  const bytes = decodeExactly(32, text)
  if (bytes === undefined || !isSafeKey(bytes)) return undefined
  const key = createPublicKey({ key: Buffer.concat([spkiHead, bytes]), format: "der", type: "spki" })
  if (recent.size >= MOST_KEYS) recent.delete(recent.keys().next().value ?? "")
  recent.set(text, key)
  return key
}

/** The private key of a base64 seed; throws TypeError for text that is none. */
export function privateKeyOf(seed: string): KeyObject {
  const bytes = decodeExactly(32, seed)
  if (bytes === undefined) throw new TypeError("A private key is the base64 text of its 32-byte seed")
  return createPrivateKey({ key: Buffer.concat([pkcs8Head, bytes]), format: "der", type: "pkcs8" })
}

/** The public key of a private one, in base64. */
export function publicTextOf(key: KeyObject): string {
  return base64Of(createPublicKey(key).export({ type: "spki", format: "der" }))
}

const MOST_KEYS = 1000
const recent = new Map<string, KeyObject>()
// What stands before the 32 bytes in DER (RFC 8410).
const spkiHead = Buffer.from("302a300506032b6570032100", "hex")
const pkcs8Head = Buffer.from("302e020100300506032b657004220420", "hex")

function base64Of(der: Buffer): string {
  return der.subarray(-32).toString("base64")
}
