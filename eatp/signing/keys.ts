import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto"
import { decodeExactly } from "./base64.js"
import { isSafeKey } from "./edwards.js"

/** A key pair as EATP writes it: base64 of the 32-byte seed and of the 32-byte public key. */
export type KeyPair = { privateKey: string; publicKey: string }

/** Generates an Ed25519 key pair from the system's randomness. */
export function generateKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  return {
    privateKey: base64Of(privateKey.export({ type: "pkcs8", format: "der" })),
    publicKey: base64Of(publicKey.export({ type: "spki", format: "der" })),
  }
}

/**
 * Reads a public key from base64; undefined for other text, and for keys of small order, for which anybody can sign.
 * Caches the last thousand keys: to build one costs half as much as to verify a signature.
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

/** Reads a private key from its seed in base64; throws TypeError for other text. */
export function privateKeyOf(seed: string): KeyObject {
  const bytes = decodeExactly(32, seed)
  if (bytes === undefined) throw new TypeError("A private key is the base64 text of its 32-byte seed")
  return createPrivateKey({ key: Buffer.concat([pkcs8Head, bytes]), format: "der", type: "pkcs8" })
}

/** The public key that belongs to a private key, in base64. */
export function publicTextOf(key: KeyObject): string {
  return base64Of(createPublicKey(key).export({ type: "spki", format: "der" }))
}

const MOST_KEYS = 1000
const recent = new Map<string, KeyObject>()
// The DER bytes before the 32 bytes of the key (RFC 8410).
const spkiHead = Buffer.from("302a300506032b6570032100", "hex")
const pkcs8Head = Buffer.from("302e020100300506032b657004220420", "hex")

function base64Of(der: Buffer): string {
  return der.subarray(-32).toString("base64")
}
