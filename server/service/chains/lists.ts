import { create, toBinary } from "@bufbuild/protobuf"
import {
  type Json,
  JsonObject,
  jsonProblem,
  momentProblem,
  parseJson,
  type ShapeLimits,
  textProblem,
} from "@trust-registry/eatp"
import {
  CapabilityTypeSchema,
  type ChainFilter,
  ChainFilterSchema,
  type ChainRecord,
  encode,
  encodeItems,
  ListChainsResponseSchema,
  ListedChainSchema,
  type TrustStoreService,
} from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import { encodedWithChain } from "../../store/chains/encodedChain.js"
import { type ChainRow, nowMicros, recordOf } from "../../store/chains/rows.js"
import { isDataFault } from "../../store/database/failures.js"
import type { Store } from "../../store/store.js"
import { assureWithin, idFault } from "../request/fields.js"
import { pageTokenOf, readPageToken } from "../request/pageToken.js"

/** Most chains or authorities of a page, where the request does not say. */
export const DEFAULT_PAGE_SIZE = 100
/** Most chains or authorities of a page. */
export const MAX_PAGE_SIZE = 1_000
/** Documents only; with a thousand records the page stays below the 4 MiB that gRPC clients accept. */
export const MAX_PAGE_BYTES = 3 * 1024 * 1024
/** Each array and object of it is looked for in all of a chain's metadata, by each watch at each change. */
const MAX_METADATA_VALUES = 32
const MAX_INT32 = 2 ** 31 - 1

/** The handlers of ListChains and CountChains. */
export function createLists(
  store: Store,
  limits: ShapeLimits,
): Pick<Handlers<typeof TrustStoreService, RpcContext>, "listChains" | "countChains"> {
  return {
    listChains: async (request) => {
      assureFilter(request.filter, limits)
      assureWithin("page_size", request.pageSize, 0, MAX_PAGE_SIZE)
      assureWithin("offset", request.offset, 0, MAX_INT32)
      const asked = bytesOf(request.filter)
      const { rows, more } = await answered(
        store.listChains({
          filter: request.filter,
          after: readPageToken(asked, request.pageToken),
          offset: request.offset,
          limit: request.pageSize || DEFAULT_PAGE_SIZE,
          maxBytes: MAX_PAGE_BYTES,
          now: nowMicros(),
        }),
      )
      const last = rows.at(-1)?.agent_id
      const { chains, unreadable } = sorted(rows)
      const nextPageToken = more && last !== undefined ? pageTokenOf(asked, last) : ""
      const rest = encode(ListChainsResponseSchema, { nextPageToken, unreadable })
      return encodeItems(ListChainsResponseSchema.field.chains, chains, rest)
    },
    countChains: async (request) => {
      assureFilter(request.filter, limits)
      return { count: await answered(store.countChains(request.filter, nowMicros())) }
    },
  }
}

function bytesOf(filter: ChainFilter | undefined) {
  const asked: ChainFilter = filter ? { ...filter } : create(ChainFilterSchema)
  asked.activeOnly ??= true
  return toBinary(ChainFilterSchema, asked)
}

/** Rows that parse, each as a ListedChain in binary form, and the records of those that do not. */
function sorted(rows: ChainRow[]) {
  const chains: Buffer[] = []
  const unreadable: ChainRecord[] = []
  for (const row of rows) {
    const record = recordOf(row)
    try {
      chains.push(encodedWithChain(ListedChainSchema, row, { record }))
    } catch {
      unreadable.push(record)
    }
  }
  return { chains, unreadable }
}

/** Throws INVALID_REQUEST unless the filter can be asked. */
export function assureFilter(filter: ChainFilter | undefined, limits: ShapeLimits): void {
  if (!filter) return
  const ids = {
    authority_id: filter.authorityId,
    agent_id_prefix: filter.agentIdPrefix,
    delegator_id: filter.delegatorId,
  }
  for (const [field, id] of Object.entries(ids)) {
    const fault = id === "" ? undefined : idFault(id, limits)
    if (fault) throw invalidRequest(`filter.${field}`, fault)
  }
  const capability = textProblem(filter.capability)
  if (capability) throw invalidRequest("filter.capability", capability)
  if (filter.capabilityType !== 0 && !CapabilityTypeSchema.value[filter.capabilityType])
    throw invalidRequest("filter.capability_type", `is ${filter.capabilityType}, which is no CapabilityType`)
  const moment = filter.expiresBefore && momentProblem(filter.expiresBefore)
  if (moment) throw invalidRequest("filter.expires_before", moment)
  if (filter.metadataContainsJson !== "") assureMetadata(filter.metadataContainsJson, limits)
}

function assureMetadata(text: string, limits: ShapeLimits): void {
  const problem =
    text === "null" ? "is null, no object" : jsonProblem(text, "metadata_json", limits.maxJsonDepth)
  if (problem) throw invalidRequest("filter.metadata_contains_json", problem)
  const values = countValues(parseJson(text, { maxDepth: limits.maxJsonDepth }))
  if (values <= MAX_METADATA_VALUES) return
  const fault = `has ${values} values; at most ${MAX_METADATA_VALUES} are allowed`
  throw invalidRequest("filter.metadata_contains_json", fault)
}

function countValues(value: Json): number {
  const inner = value instanceof JsonObject ? [...value.values()] : Array.isArray(value) ? value : []
  return inner.reduce((count: number, item) => count + countValues(item), 1)
}

/** The one value of a filter that PostgreSQL can refuse is a number beyond the range of JSONB. */
export function answered<Answer>(answer: Promise<Answer>): Promise<Answer> {
  return answer.catch((error) => {
    if (!isDataFault(error)) throw error
    throw invalidRequest("filter.metadata_contains_json", "holds a number that JSONB cannot hold")
  })
}
