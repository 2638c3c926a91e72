import type { TrustVerificationService } from "@trust-registry/proto"
import type { RpcContext } from "../rpc/context.js"
import type { Handlers } from "../rpc/handlers.js"
import type { Store } from "../store/store.js"
import { createCheckAuthority } from "./verification/checkAuthority.js"
import type { QuestionRules } from "./verification/trustQuestion.js"
import { createVerifyTrust } from "./verification/verifyTrust.js"

/** The handlers of TrustVerificationService, backed by a store. */
export function createVerificationHandlers(
  store: Store,
  rules: QuestionRules,
): Handlers<typeof TrustVerificationService, RpcContext> {
  return {
    verifyTrust: createVerifyTrust(store, rules),
    checkAuthority: createCheckAuthority(store, rules),
  }
}
