import type { DescMethod } from "@bufbuild/protobuf"
import { decode, ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../errors.js"
import { countFields } from "./fieldCount.js"
import type { ServerCall } from "./handlers.js"
import type { Share } from "./share.js"

/** The request that the bytes hold. Throws INVALID_REQUEST for too many fields, and for bytes that cannot be decoded. */
export function readRequest(method: DescMethod, bytes: Buffer): object {
  inspect(method, bytes)
  try {
    return decode(method.input, bytes)
  } catch (cause) {
    throw unreadable(method, cause)
  }
}

/** The requests of a stream, each read when the handler asks for it. Throws the signal's reason once it is aborted. */
export async function* readRequests(
  method: DescMethod,
  raw: ServerCall,
  { signal, share }: { signal: AbortSignal; share: Share | undefined },
): AsyncGenerator<object> {
  // A plain `for await` destroys the call when requests end, and with it the replies that are still to be written.
  for await (const bytes of raw.iterator({ destroyOnReturn: false })) {
    const { length } = bytes as Buffer
    const request = readRequest(method, bytes as Buffer)
    // From here on it is the handler's.
    share?.read(length, false)
    yield request
  }
  signal.throwIfAborted()
}

/** The most fields and items of a request. One mebibyte of real records has far fewer. */
const MAX_FIELDS = 200_000

function inspect({ input }: DescMethod, bytes: Buffer) {
  // A field takes two bytes at least, so that small requests need no counting.
  if (bytes.length <= MAX_FIELDS || countFields(input, bytes, MAX_FIELDS) <= MAX_FIELDS) return
  throw new RegistryError(
    ErrorReason.INVALID_REQUEST,
    `the request has more than ${MAX_FIELDS} fields and items`,
    { violations: [{ field: "", description: `must have at most ${MAX_FIELDS} fields and items` }] },
  )
}

function unreadable({ input }: DescMethod, cause: unknown) {
  const description = `must be the protobuf encoding of a ${input.typeName}`
  return new RegistryError(ErrorReason.INVALID_REQUEST, `the bytes of the request are no ${input.typeName}`, {
    violations: [{ field: "", description }],
    cause,
  })
}
