import { open, readFile } from "node:fs/promises"
import { type KeyPair, type MemorySigner, memorySigner } from "@trust-registry/eatp"
import { UsageError } from "../usage.js"

/** Returns the content of a key file: one line of JSON, with base64 of the 32-byte seed and of the public key. */
export function keyPairText({ privateKey, publicKey }: KeyPair): string {
  return JSON.stringify({ private_key: privateKey, public_key: publicKey })
}

/**
 * Writes a key pair to a new file that only its owner can read (mode 600). Throws a UsageError for an existing file: an
 * overwritten key is lost.
 */
export async function writeKeyFile(file: string, pair: KeyPair): Promise<void> {
  const handle = await open(file, "wx", 0o600).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === "EEXIST" ? "already exists" : `cannot be written: ${cause.code}`
    throw new UsageError(`${file} ${why}`, { cause })
  })
  try {
    await handle.writeFile(`${keyPairText(pair)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Returns the signer of a key file. Throws a UsageError, which never quotes the file. */
export async function signerOf(file: string): Promise<MemorySigner> {
  const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`cannot read ${file}: ${cause.code}`, { cause })
  })
  const { private_key: privateKey, public_key: publicKey } = membersOf(text, file)
  const signer = signerOfSeed(privateKey, file)
  if (publicKey !== undefined && publicKey !== signer.publicKey)
    throw new UsageError(`${file} is not a valid key file: public_key does not match private_key`)
  return signer
}

function signerOfSeed(privateKey: unknown, file: string) {
  try {
    return memorySigner(String(privateKey))
  } catch {
    throw new UsageError(`${file} is not a key file: private_key must be base64 of 32 bytes`)
  }
}

function membersOf(text: string, file: string): Record<string, unknown> {
  try {
    // Some editors put a byte order mark before the text.
    return Object(JSON.parse(text.replace(/^\ufeff/, "")))
  } catch {
    // The message of JSON.parse quotes the text, which may be a key.
    throw new UsageError(`${file} is not a key file: it is not JSON`)
  }
}
