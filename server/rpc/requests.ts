import type { DescField, DescMessage, DescMethod } from "@bufbuild/protobuf"
import { nextTurn, takeTurn } from "@trust-registry/eatp"
import { decode, decodeUsual, ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../errors.js"
import { countFields } from "./fieldCount.js"
import type { ServerCall } from "./handlers.js"
import { itemsIn } from "./requestItems.js"
import type { Share } from "./share.js"

/**
 * Most fields and items of a request, or of each request in a batch. One mebibyte of real records has fewer; decoding, checking and
 * writing out so many takes some 10 ms each.
 */
const MAX_FIELDS = 50_000
/** Most of a batch in all. */
const MAX_BATCH_FIELDS = 200_000
/** Most of a message that holds anything unusual, for which decoding takes several times as long. */
const MAX_UNUSUAL_FIELDS = 10_000
/** Most requests in a batch that are looked at; what each RPC takes is less. */
const MAX_ITEMS = 10_000
/** A field counts for no more than its bytes, so that a request of fewer needs no counting. */
const LARGE_BYTES = MAX_FIELDS

/**
 * The request that the bytes hold: of a large one a promise, so that others have their turns before it is handled and, if it is a batch,
 * while it is decoded. Throws INVALID_REQUEST for too many fields, and for bytes that cannot be decoded.
 */
export function readRequest({ input }: DescMethod, bytes: Buffer): object | Promise<object> {
  return bytes.length <= LARGE_BYTES ? decoded(input, bytes) : readLarge(input, bytes)
}

async function readLarge(input: DescMessage, bytes: Buffer): Promise<object> {
  const list = input.fields.find((field) => field.fieldKind === "list" && field.message)
  if (list?.message) return await readBatch(input, list, list.message, bytes)
  assureFew(countFields(input, bytes, MAX_FIELDS), MAX_FIELDS, "")
  const request = decoded(input, bytes)
  await nextTurn()
  return request
}

async function readBatch(input: DescMessage, list: DescField, of: DescMessage, bytes: Buffer) {
  const { items, rest } = itemsIn(bytes, list.number, MAX_ITEMS) ?? unreadable(input)
  if (items.length > MAX_ITEMS)
    throw refused(`${list.name} has more than ${MAX_ITEMS} items`, {
      field: list.name,
      description: `must have at most ${MAX_ITEMS} items`,
    })
  const request = decoded(input, rest) as Record<string, unknown[]>
  let fields = 0
  for (const [place, item] of items.entries()) {
    const count = countFields(of, item, MAX_FIELDS)
    assureFew(count, MAX_FIELDS, `${list.name}[${place}]`)
    fields += count + ITEM_FIELDS
    assureFew(fields, MAX_BATCH_FIELDS, list.name)
    request[list.localName]?.push(decoded(of, item))
    const turn = takeTurn()
    if (turn) await turn
  }
  return request
}

/** What an item of a batch counts for itself. */
const ITEM_FIELDS = 2

/** Requests of a stream that are read in one turn of the event loop. */
const REQUESTS_PER_TURN = 16

/** The requests of a stream, each read when the handler asks for it. Throws the signal's reason once it is aborted. */
export async function* readRequests(
  method: DescMethod,
  raw: ServerCall,
  { signal, share }: { signal: AbortSignal; share: Share | undefined },
): AsyncGenerator<object> {
  let read = 0
  // A plain `for await` destroys the call when requests end, and with it the replies that are still to be written.
  for await (const bytes of raw.iterator({ destroyOnReturn: false })) {
    const { length } = bytes as Buffer
    const request = await readRequest(method, bytes as Buffer)
    // From here on it is the handler's.
    share?.read(length, false)
    yield request
    // Thousands that came together would be read without a turn of the event loop between them.
    if (++read % REQUESTS_PER_TURN === 0) await nextTurn()
  }
  signal.throwIfAborted()
}

function decoded(desc: DescMessage, bytes: Buffer): object {
  const usual = decodeUsual(desc, bytes)
  if (usual) return usual
  if (bytes.length > MAX_UNUSUAL_FIELDS && countFields(desc, bytes, MAX_UNUSUAL_FIELDS) > MAX_UNUSUAL_FIELDS)
    throw refused(
      "the request has fields that are unknown, repeated or malformed among too many to look for them",
      { field: "", description: `must have known fields only, or at most ${MAX_UNUSUAL_FIELDS} in all` },
    )
  try {
    return decode(desc, bytes)
  } catch (cause) {
    return unreadable(desc, cause)
  }
}

function assureFew(count: number, most: number, field: string): void {
  if (count <= most) return
  const of = field === "" ? "the request" : field
  throw refused(`${of} has more than ${most} fields and items`, {
    field,
    description: `must have at most ${most} fields and items, of which a record counts as two`,
  })
}

function unreadable({ typeName }: DescMessage, cause?: unknown): never {
  const description = `must be the protobuf encoding of a ${typeName}`
  throw refused(`the bytes of the request are no ${typeName}`, { field: "", description }, cause)
}

function refused(message: string, violation: { field: string; description: string }, cause?: unknown) {
  return new RegistryError(ErrorReason.INVALID_REQUEST, message, { violations: [violation], cause })
}
