import type { TrustAuthority } from "@trust-registry/eatp"
import type { TrustReader } from "../../store/readers/trustReader.js"
import type { StoredSigner } from "../../store/rows/signer.js"

/** Authorities by id; null for one that is not registered. */
export type KnownAuthorities = Map<string, StoredSigner | null>

/** Most authorities above one another from whom permissions come. */
const MAX_PARENTS = 16

/** Reads the parents of those authorities that have no permissions of their own, as far up as it takes. */
export async function readParents(reader: TrustReader, known: KnownAuthorities): Promise<void> {
  for (let level = 0; level < MAX_PARENTS; level++) {
    const ids = [...known.values()].flatMap((authority) => heirTo(authority) ?? [])
    const unread = [...new Set(ids)].filter((id) => !known.has(id))
    if (unread.length === 0) return
    for (const id of unread) known.set(id, await reader.getAuthority(id))
  }
}

/**
 * An authority with what it may do: its own permissions, or what its parent may if it has none. What is not known, or not active,
 * passes nothing on.
 */
export function withPermissions(authority: StoredSigner, known: KnownAuthorities): TrustAuthority {
  let from: StoredSigner | null | undefined = authority
  for (let level = 0; level <= MAX_PARENTS; level++) {
    const parent: string | undefined = heirTo(from)
    if (parent === undefined) break
    from = known.get(parent)
    if (from?.signer.active !== true) from = null
  }
  if (from === authority) return authority.signer
  return { ...authority.signer, permissions: from?.signer.permissions ?? [] }
}

/** The parent whose permissions an authority has; undefined if it has its own, or no parent. */
function heirTo(authority: StoredSigner | null | undefined): string | undefined {
  if (!authority || authority.parentId === "" || authority.signer.permissions?.length) return undefined
  return authority.parentId
}
