import { toBinary } from "@bufbuild/protobuf"
import { type TrustLineageChain, TrustLineageChainSchema } from "@trust-registry/proto"

/** Bytes of a chain as protobuf if they are more than `most`; undefined otherwise, found out without encoding for most. */
export function bytesBeyond(chain: TrustLineageChain, most: number): number | undefined {
  if (atMostBytes(chain) <= most) return undefined
  const bytes = toBinary(TrustLineageChainSchema, chain).byteLength
  return bytes > most ? bytes : undefined
}

// Tag, length and number take 5, 5 and 10 bytes at most; a UTF-16 unit takes 3.
const OVERHEAD = 12

function atMostBytes(value: unknown): number {
  if (typeof value === "string") return OVERHEAD + value.length * 3
  if (value instanceof Uint8Array) return OVERHEAD + value.length
  if (typeof value !== "object" || value === null) return OVERHEAD
  let bytes = OVERHEAD
  for (const item of Array.isArray(value) ? value : Object.values(value)) bytes += atMostBytes(item)
  return bytes
}
