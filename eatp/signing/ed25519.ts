import { type KeyObject, sign, verify } from "node:crypto"
import { decodeExactly } from "./base64.js"
import { isSafeSignature } from "./edwards.js"
import { privateKeyOf, publicKeyOf, publicTextOf } from "./keys.js"

/** The algorithm of all signatures, as records name it. */
export const SIGNATURE_ALGORITHM = "Ed25519"

/** Signs with Ed25519, with a key in memory or through a service that holds one; gives the 64-byte signature. */
export type Signer = { sign(bytes: Uint8Array): Promise<Uint8Array> }

/** A signer with its key in memory, and the public key in base64. */
export type MemorySigner = Signer & { publicKey: string }

/** Makes a signer from a private key, the base64 of its 32-byte seed; throws TypeError for other text. */
export function memorySigner(privateKey: string): MemorySigner {
  const key = privateKeyOf(privateKey)
  return {
    publicKey: publicTextOf(key),
    sign: async (bytes) => sign(null, bytes, key),
  }
}

/** Signs a payload text (UTF-8); gives the signature in base64. Throws TypeError if the signer gives anything else. */
export async function signText(signer: Signer, text: string): Promise<string> {
  const signature = await signer.sign(Buffer.from(text))
  if (!isSafeSignature(signature))
    throw new TypeError("The signer did not give an Ed25519 signature of 64 bytes")
  return Buffer.from(signature).toString("base64")
}

/** Whether a text is well-formed as a signature: canonical base64 of 64 bytes that some key may have made. */
export function isSignature(text: string): boolean {
  const bytes = decodeExactly(64, text)
  return bytes !== undefined && isSafeSignature(bytes)
}

/**
 * Verifies a signature over a text (UTF-8), key and signature in base64, strictly (RFC 8032, section 5.1.7):
 * canonical base64 and points, S below the group order, no key of small order. Never throws; malformed input does not
 * verify.
 */
export function verifyText(text: string, signature: string, publicKey: string): boolean {
  const check = checkOf(signature, publicKey)
  return check !== undefined && verify(null, Buffer.from(text), check.key, check.bytes)
}

/** The same as {@link verifyText}, on a thread of libuv's pool. */
export async function verifyTextAside(text: string, signature: string, publicKey: string): Promise<boolean> {
  const check = checkOf(signature, publicKey)
  if (check === undefined) return false
  return await new Promise((resolve, reject) => {
    verify(null, Buffer.from(text), check.key, check.bytes, (error, holds) => {
      if (error) reject(error)
      else resolve(holds)
    })
  })
}

function checkOf(signature: string, publicKey: string): { key: KeyObject; bytes: Uint8Array } | undefined {
  const bytes = decodeExactly(64, signature)
  if (bytes === undefined || !isSafeSignature(bytes)) return undefined
  const key = publicKeyOf(publicKey)
  return key && { key, bytes }
}
