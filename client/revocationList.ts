import type { MessageInitShape } from "@bufbuild/protobuf"
import type {
  ListRevocationsRequestSchema,
  ListRevocationsResponse,
  RevocationService,
  RevokedRecord,
} from "@trust-registry/proto"
import type { CallOptions } from "./options.js"
import { type Paged, paged } from "./pages.js"
import type { Call } from "./rpc/calls.js"

/** Which revocations, and from which page on. */
export type RevocationListRequest = MessageInitShape<typeof ListRevocationsRequestSchema>

/** What was revoked, record by record, newest change first. */
export type RevocationList = Paged<ListRevocationsResponse, RevokedRecord>

type ListRevocations = Call<(typeof RevocationService)["method"]["listRevocations"], CallOptions>

/** A list over the RPC ListRevocations. */
export function revocationList(
  listRevocations: ListRevocations,
  request: RevocationListRequest,
  options?: CallOptions,
): RevocationList {
  return paged(
    (pageToken) => listRevocations(pageToken === undefined ? request : { ...request, pageToken }, options),
    ({ records }) => records,
  )
}
