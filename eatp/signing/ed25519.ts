import { type KeyObject, sign, verify } from "node:crypto"
import { decodeExactly } from "./base64.js"
import { isSafeSignature } from "./edwards.js"
import { privateKeyOf, publicKeyOf, publicTextOf } from "./keys.js"

/**
 * Whoever can sign: a key in memory, or a service that holds one. Gives the 64 bytes of an Ed25519 signature.
 */
export type Signer = { sign(bytes: Uint8Array): Promise<Uint8Array> }

/** A signer whose key is in memory, with its public key in base64. */
export type MemorySigner = Signer & { publicKey: string }

/** Makes a signer of a private key (base64 of its 32-byte seed); throws TypeError for text that is none. */
export function memorySigner(privateKey: string): MemorySigner {
  const key = privateKeyOf(privateKey)
  return {
    publicKey: publicTextOf(key),
    sign: async (bytes) => sign(null, bytes, key),
  }
}

/**
 * Signs a payload text (UTF-8) and gives the signature in base64; throws TypeError if what the signer gives
 * is none.
 */
export async function signText(signer: Signer, text: string): Promise<string> {
  const signature = await signer.sign(Buffer.from(text))
  if (!isSafeSignature(signature)) throw new TypeError("The signer gave no Ed25519 signature of 64 bytes")
  return Buffer.from(signature).toString("base64")
}

/** Whether a text is a signature at all: canonical base64 of 64 bytes that some key may have made. */
export function isSignature(text: string): boolean {
  const bytes = decodeExactly(64, text)
  return bytes !== undefined && isSafeSignature(bytes)
}

/**
 * Verifies a signature over a text (UTF-8), key and signature in base64, strictly (RFC 8032, section 5.1.7):
 * canonical base64 and points, S below the group's order, no key of small order. Never throws; what is
 * malformed does not verify.
 */
export function verifyText(text: string, signature: string, publicKey: string): boolean {
  const check = checkOf(signature, publicKey)
  return check !== undefined && verify(null, Buffer.from(text), check.key, check.bytes)
}

/** The same as {@link verifyText} on another thread, of the pool that Node keeps (libuv's). */
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
