import { create, toBinary } from "@bufbuild/protobuf"
import { type ItemError, ItemErrorSchema } from "@trust-registry/proto"
import type { RegistryError } from "../errors.js"
import { MAX_VIOLATIONS } from "./details.js"
import { nameOf, REASONS } from "./reasons.js"
import { sanitize } from "./sanitize.js"

/** A thousand of them stay below the 4 MiB that gRPC clients accept. */
export const MAX_ITEM_ERROR_BYTES = 3 * 1024

/** The longest text at first; it is halved until all fits. */
const LONGEST_TEXT = 512
const MAX_ID_BYTES = 512

/**
 * What one item of many failed with, never over {@link MAX_ITEM_ERROR_BYTES}: the texts are cut until it fits.
 *
 * @param prefix goes before the path of each field, for example `requests[3].`
 */
export function itemErrorOf(error: RegistryError, prefix = ""): ItemError {
  for (let textBytes = LONGEST_TEXT; ; textBytes /= 2) {
    const item = itemError(error, prefix, (text) => sanitize(text, textBytes))
    if (textBytes <= 32 || toBinary(ItemErrorSchema, item).length <= MAX_ITEM_ERROR_BYTES) return item
  }
}

function itemError(
  { reason, message, failure }: RegistryError,
  prefix: string,
  cut: (text: string) => string,
): ItemError {
  const { violations = [], agentId, metadata = {}, retryAfterMs } = failure
  const { code, retryAfterMs: usual } = REASONS[nameOf(reason)]
  const wait = usual === undefined ? undefined : (retryAfterMs ?? usual)
  const told = violations
    .slice(0, MAX_VIOLATIONS)
    .map(({ field, description }) => ({ field: cut(prefix + field), description: cut(description) }))
  const more = violations.length - told.length
  if (more > 0) told.push({ field: "", description: `and ${more} more` })
  return create(ItemErrorSchema, {
    code,
    reason,
    message: cut(message),
    violations: told,
    agentId: agentId === undefined ? "" : sanitize(agentId, MAX_ID_BYTES),
    metadata: Object.fromEntries(Object.entries(metadata).map(([name, fact]) => [name, cut(fact)])),
    ...(wait === undefined ? {} : { retryAfter: { seconds: 0n, nanos: wait * 1_000_000 } }),
  })
}
