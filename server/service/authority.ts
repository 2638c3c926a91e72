import type { ShapeLimits } from "@trust-registry/eatp"
import type { AuthorityService } from "@trust-registry/proto"
import type { RpcContext } from "../rpc/context.js"
import type { Handlers } from "../rpc/handlers.js"
import type { AuthorityStore } from "../store/authorities/authorityStore.js"
import { createKeyRotation } from "./authorities/authorityKeyRotation.js"
import { createAuthorityReads } from "./authorities/authorityReads.js"
import { createRegistration } from "./authorities/authorityRegistration.js"
import { createAuthorityUpdate } from "./authorities/authorityUpdate.js"

/** The handlers of AuthorityService, backed by a store. */
export function createAuthorityHandlers(
  authorities: AuthorityStore,
  limits: ShapeLimits,
): Handlers<typeof AuthorityService, RpcContext> {
  const registration = createRegistration(authorities, limits)
  const reads = createAuthorityReads(authorities, limits)
  return {
    registerAuthority: registration.registerAuthority,
    getAuthority: reads.getAuthority,
    listAuthorities: reads.listAuthorities,
    listAuthorityDocuments: reads.listAuthorityDocuments,
    updateAuthority: createAuthorityUpdate(authorities, limits),
    deactivateAuthority: registration.deactivateAuthority,
    rotateAuthorityKey: createKeyRotation(authorities, limits),
  }
}
