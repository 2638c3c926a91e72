import type { JsonObject, TrustAuthority, TrustLevel } from "@trust-registry/eatp"
import { textAt } from "./vectors.js"

/** Authorities of a vector file by id, each with its one key. */
export function authorityMap(list: JsonObject[]): Map<string, TrustAuthority> {
  return new Map(
    list.map((authority) => {
      const id = textAt(authority, "id")
      return [id, { id, keys: [{ publicKey: textAt(authority, "public_key") }] }]
    }),
  )
}

/** EATP's word for a level. */
export function levelOf(word: string): TrustLevel {
  if (word === "quick" || word === "standard" || word === "full") return word
  throw new Error(`There is no level ${word}`)
}
