import type { Command } from "./command.js"
import { attestCapabilities } from "./commands/attest.js"
import { auditAction } from "./commands/audit.js"
import { deactivateAuthorities, updateAuthority } from "./commands/authorityChanges.js"
import { authorityDocuments, verifyAuthority } from "./commands/authorityDocuments.js"
import { getAuthorities, listAuthorities } from "./commands/authorityReads.js"
import { recogniseAuthority, unrecogniseAuthority } from "./commands/authorityRecognise.js"
import { registerAuthorities } from "./commands/authorityRegister.js"
import { rotateKey } from "./commands/authorityRotate.js"
import { check } from "./commands/check.js"
import { checkAuthority } from "./commands/checkAuthority.js"
import { delegateTrust } from "./commands/delegate.js"
import { remove, restore } from "./commands/delete.js"
import { establishAgent } from "./commands/establish.js"
import { exportChains } from "./commands/export.js"
import { get } from "./commands/get.js"
import { hash } from "./commands/hash.js"
import { health } from "./commands/health.js"
import { history } from "./commands/history.js"
import { importChains } from "./commands/import.js"
import { info } from "./commands/info.js"
import { keygen } from "./commands/keygen.js"
import { count, list } from "./commands/list.js"
import { resignChain } from "./commands/resign.js"
import { liftSuspension, revocations } from "./commands/revocations.js"
import { revokeAgent, revokeCapability, revokeDelegation, revokeKey } from "./commands/revoke.js"
import { store, update } from "./commands/store.js"
import { trust } from "./commands/trust.js"
import { verify } from "./commands/verify.js"
import { watch } from "./commands/watch.js"

/** All commands by name, in the order of the help. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  store,
  get,
  update,
  delete: remove,
  restore,
  list,
  count,
  history,
  watch,
  verify,
  trust,
  "check-authority": checkAuthority,
  import: importChains,
  export: exportChains,
  "authority register": registerAuthorities,
  "authority get": getAuthorities,
  "authority list": listAuthorities,
  "authority update": updateAuthority,
  "authority deactivate": deactivateAuthorities,
  "authority rotate-key": rotateKey,
  "authority recognise": recogniseAuthority,
  "authority unrecognise": unrecogniseAuthority,
  "authority documents": authorityDocuments,
  "authority verify": verifyAuthority,
  "revoke agent": revokeAgent,
  "revoke delegation": revokeDelegation,
  "revoke capability": revokeCapability,
  "revoke key": revokeKey,
  "lift-suspension": liftSuspension,
  revocations,
  keygen,
  establish: establishAgent,
  attest: attestCapabilities,
  delegate: delegateTrust,
  audit: auditAction,
  resign: resignChain,
  check,
  hash,
  health,
  info,
}
