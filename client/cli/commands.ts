import { attestCapabilities } from "./attest.js"
import { auditAction } from "./audit.js"
import { deactivateAuthorities, updateAuthority } from "./authorityChanges.js"
import { getAuthorities, listAuthorities } from "./authorityReads.js"
import { registerAuthorities } from "./authorityRegister.js"
import { rotateKey } from "./authorityRotate.js"
import { check } from "./check.js"
import { checkAuthority } from "./checkAuthority.js"
import type { Command } from "./command.js"
import { delegateTrust } from "./delegate.js"
import { remove, restore } from "./delete.js"
import { establishAgent } from "./establish.js"
import { exportChains } from "./export.js"
import { get } from "./get.js"
import { hash } from "./hash.js"
import { health } from "./health.js"
import { history } from "./history.js"
import { importChains } from "./import.js"
import { info } from "./info.js"
import { keygen } from "./keygen.js"
import { count, list } from "./list.js"
import { liftSuspension, revocations } from "./revocations.js"
import { revokeAgent, revokeCapability, revokeDelegation, revokeKey } from "./revoke.js"
import { store, update } from "./store.js"
import { trust } from "./trust.js"
import { verify } from "./verify.js"
import { watch } from "./watch.js"

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
  check,
  hash,
  health,
  info,
}
