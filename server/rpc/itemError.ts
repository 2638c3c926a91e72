import type { Status } from "@trust-registry/proto"
import { RegistryError } from "../errors.js"
import { statusWithin } from "./details.js"
import { sanitizeForPeople } from "./sanitize.js"
import { retryAfterOf } from "./status.js"

/** A thousand of them stay below the 4 MiB that gRPC clients accept. */
export const MAX_ITEM_ERROR_BYTES = 3 * 1024

/** As long as the message of a failed call. */
const MAX_MESSAGE_BYTES = 512

/**
 * The status of one failed item of many, never over {@link MAX_ITEM_ERROR_BYTES}.
 *
 * @param prefix goes before the path of each field, for example `requests[3].`
 */
export function itemErrorOf(thrown: RegistryError, prefix = ""): Status {
  const { reason, message, failure, sentence } = thrown
  const violations = failure.violations?.map(({ field, description }) => ({
    field: prefix + field,
    description,
  }))
  const error = new RegistryError(reason, message, { ...failure, ...(violations && { violations }) })
  return statusWithin(
    MAX_ITEM_ERROR_BYTES,
    error,
    sanitizeForPeople(sentence, MAX_MESSAGE_BYTES),
    retryAfterOf(error),
  )
}
