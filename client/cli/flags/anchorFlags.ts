import { type AuthorityAnchor, quoted } from "@trust-registry/eatp"
import { UsageError } from "../usage.js"

const KEY = /^[0-9A-Za-z+/]{43}=$/
const HASH = /^[0-9a-f]{64}$/

/** Returns the anchors that --anchor gives: a public key, or the hash of a document. Several keys of one authority are one anchor. */
export function anchorOf(authorityId: string, texts: readonly string[]): AuthorityAnchor {
  const hashes = texts.filter((text) => HASH.test(text))
  const publicKeys = texts.filter((text) => KEY.test(text))
  const other = texts.find((text) => !HASH.test(text) && !KEY.test(text))
  if (other !== undefined)
    throw new UsageError(
      `--anchor ${quoted(other)}: must be a public key in base64, or a hash of 64 lowercase hexadecimal digits`,
    )
  const [documentHash, ...more] = hashes
  if (more.length > 0 || (documentHash !== undefined && publicKeys.length > 0))
    throw new UsageError(`--anchor: ${quoted(authorityId)} has one hash, or keys`)
  return documentHash === undefined ? { authorityId, publicKeys } : { authorityId, documentHash }
}

/** Returns the anchors of several authorities, each given as ID=KEY or ID=HASH; undefined if there are none. */
export function anchorsOf(values: { anchor?: string[] }): AuthorityAnchor[] | undefined {
  if (values.anchor === undefined) return undefined
  const texts = new Map<string, string[]>()
  for (const text of values.anchor) {
    // An id may contain "=", and a key ends with it.
    const [, id, pin] = /^(.+?)=([0-9A-Za-z+/]{43}=|[0-9a-f]{64})$/s.exec(text) ?? []
    if (id === undefined || pin === undefined)
      throw new UsageError(`--anchor ${quoted(text)}: must be ID=KEY or ID=HASH`)
    texts.set(id, [...(texts.get(id) ?? []), pin])
  }
  return Array.from(texts, ([id, pins]) => anchorOf(id, pins))
}
