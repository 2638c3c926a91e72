import { ErrorReason } from "@trust-registry/proto"

/** What to do about a failure, for people, in the words of the contract; the command line puts its own in their place. */
export function remedyOf(reason: ErrorReason): string {
  return BY_NUMBER.get(reason) ?? ""
}

/** By reason; one without an entry does not compile. Empty where what is wrong says it, as in `must be at most 512 bytes`. */
const REMEDIES: Readonly<Record<keyof typeof ErrorReason, string>> = {
  UNSPECIFIED: "",
  TRUST_CHAIN_NOT_FOUND: "StoreChain stores one; ListChainRevisions tells of one that was purged",
  TRUST_CHAIN_EXPIRED: "its authority can make one with a later expiry, which StoreChain stores",
  TRUST_CHAIN_INACTIVE: "ListChainRevisions tells who made it so",
  TRUST_CHAIN_REVOKED: "it stays revoked; ListRevokedRecords names the revocation",
  TRUST_CHAIN_INVALID: "",
  TRUST_CHAIN_CORRUPT: "VerifyChainIntegrity tells what differs, and StoreChain replaces it",
  AUTHORITY_NOT_FOUND: "RegisterAuthority registers it, a parent first",
  AUTHORITY_EXISTS: "UpdateAuthority and RotateAuthorityKey change it",
  AUTHORITY_INVALID: "",
  AUTHORITY_CORRUPT: "the operator has to restore its row from a backup",
  TRUST_RECORD_NOT_FOUND: "GetChain shows the ids of a chain's records, GetAuthority those of keys",
  REVOCATION_NOT_FOUND: "ListRevokedRecords has the ids of all",
  REVOCATION_FINAL: "it stays in force; only what was suspended comes back",
  INVALID_REQUEST: "",
  REQUEST_ID_REUSED: "use a new one for a new change",
  REVISION_CONFLICT: "read it again, and decide again",
  REVISION_COMPACTED: "start from there, or from the present",
  BATCH_REFUSED: "correct that one, and send all again",
  OVERLOADED: "try again a little later",
  DATABASE_UNAVAILABLE: "try again a little later; a write may have happened",
  SHUTTING_DOWN: "",
  CANCELLED: "",
  DEADLINE_EXCEEDED: "allow more time; a write may have happened",
  INTERNAL: "",
  AUTHORITY_INACTIVE: "no RPC reactivates it; an active authority has to sign new records",
  AUTHORITY_NOT_PERMITTED: "UpdateAuthority grants permissions",
  VERIFICATION_LOST: "sign what it lacks, or set allow_unverified",
  AUTHORITY_CHANGED: "set allow_new_authority if the agent is to belong to another authority from now on",
}

const BY_NUMBER = new Map<number, string>(
  Object.entries(ErrorReason).map(([name, reason]) => [reason, REMEDIES[name as keyof typeof ErrorReason]]),
)

const BY_WHAT = "ListRevokedRecords names the revocation, and LiftSuspension lifts a suspension"

/** For a write that needs an active chain, by the status of the one that is stored. */
export const TO_ACTIVATE = {
  revoked: REMEDIES.TRUST_CHAIN_REVOKED,
  suspended: "LiftSuspension makes it active again, or RestoreChain if it was suspended by hand",
  deleted: "RestoreChain makes it active again, unless its agent is revoked or suspended",
}

/** The same for RestoreChain, which is refused only where the agent is revoked or suspended. */
export const TO_RESTORE = {
  revoked: REMEDIES.TRUST_CHAIN_REVOKED,
  suspended: `its agent is suspended or revoked: ${BY_WHAT}`,
  deleted: `its agent is suspended or revoked: ${BY_WHAT}, after which it can be restored`,
}

/** For a chain that cannot be stored because its agent is revoked. */
export const TO_STORE_AGAIN = BY_WHAT

/** For an expired chain that cannot be restored. */
export const TO_RENEW = "purge it with PurgeChain, and store a new one"

/** For a chain that is not returned unless that is asked for. */
export const TO_READ = "set include_inactive to read it"

/** For a chain that a past revision had. */
export const TO_KNOW_PAST = "ListChainRevisions has the records of what was purged"
