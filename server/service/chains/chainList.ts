import { create, toBinary } from "@bufbuild/protobuf"
import { mapInTurns, type ShapeLimits } from "@trust-registry/eatp"
import {
  ChainFilterSchema,
  ChainView,
  ConsistencySchema,
  encode,
  encodeItems,
  type ListChainsRequest,
  ListChainsRequestSchema,
  ListChainsResponseSchema,
  type TrustStoreService,
} from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import { encodedListed } from "../../store/rows/encodedChain.js"
import type { Store } from "../../store/store.js"
import { type Requirement, requirementOf } from "../request/consistency.js"
import { assureWithin } from "../request/fields.js"
import { assureFilter, filtered } from "../request/filter.js"
import { paged } from "../request/paged.js"
import { type PastState, pastStateOf } from "../request/readSnapshot.js"
import { showsChains } from "../request/view.js"

const MAX_INT32 = 2 ** 31 - 1

/** The handlers of ListChains and CountChains. */
export function createChainList(
  store: Store,
  limits: ShapeLimits,
): Pick<Handlers<typeof TrustStoreService, RpcContext>, "listChains" | "countChains"> {
  return {
    listChains: async (request, context) => {
      const { filter, offset, view } = request
      assureFilter(filter, limits)
      assureWithin("offset", offset, 0, MAX_INT32)
      const documents = showsChains(view)
      const requirement = requirementOf(request.consistency)
      if (requirement.case === "atRevision" && offset > 0)
        throw invalidRequest("offset", "cannot be combined with consistency.at_revision")
      const page = await paged(
        request,
        {
          asked: askedBy(request, requirement),
          read: async (bounds) => {
            const past = await pastStateOf(store, requirement)
            const query = { ...bounds, filter, documents, now: past?.micros ?? store.now() }
            return await filtered(
              past
                ? store.chains.export({ ...query, revision: past.revision })
                : store.chains.list({ ...query, offset }),
            )
          },
          keyOf: (row) => row.agent_id,
        },
        context,
      )
      const rest = encode(ListChainsResponseSchema, { nextPageToken: page.nextPageToken })
      const chains = await mapInTurns(page.rows, (row) => encodedListed(row, context.maxItemBytes))
      return encodeItems(ListChainsResponseSchema.field.chains, chains, rest)
    },
    countChains: async ({ filter, consistency }) => {
      assureFilter(filter, limits)
      const past: PastState | undefined = await pastStateOf(store, requirementOf(consistency))
      return {
        count: await filtered(
          past
            ? store.chains.countAt({ filter, revision: past.revision, now: past.micros })
            : store.chains.count(filter, store.now()),
        ),
      }
    },
  }
}

/** The query that a page token is bound to. An unset field counts as its default. */
function askedBy({ filter, view }: ListChainsRequest, requirement: Requirement): Uint8Array {
  const asked = create(ListChainsRequestSchema, {
    filter: filter ?? create(ChainFilterSchema),
    view: view === ChainView.RECORD ? view : ChainView.FULL,
    consistency: create(ConsistencySchema, { requirement }),
  })
  return toBinary(ListChainsRequestSchema, asked)
}
