import type { ShapeLimits } from "@trust-registry/eatp"
import type { RevocationService } from "@trust-registry/proto"
import type { RpcContext } from "../rpc/context.js"
import type { Handlers } from "../rpc/handlers.js"
import type { RevocationStore } from "../store/revocations/revocationStore.js"
import { createRevocations } from "./revocations/revocations.js"
import { createRevokedRecordImport } from "./revocations/revokedRecordImport.js"
import { createRevokedRecordList } from "./revocations/revokedRecordList.js"

/** The handlers of RevocationService, backed by a store. */
export function createRevocationHandlers(
  store: RevocationStore,
  limits: ShapeLimits,
): Handlers<typeof RevocationService, RpcContext> {
  const revocations = createRevocations(store, limits)
  return {
    revokeAgent: revocations.revokeAgent,
    revokeDelegation: revocations.revokeDelegation,
    revokeCapability: revocations.revokeCapability,
    revokeKey: revocations.revokeKey,
    liftSuspension: revocations.liftSuspension,
    importRevokedRecords: createRevokedRecordImport(store, limits),
    listRevokedRecords: createRevokedRecordList(store, limits),
  }
}
