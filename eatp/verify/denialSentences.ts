import { quoted, visible } from "../text/visible.js"
import type { DenialFacts, DenialReason } from "./verdict.js"

/** What people are told about a denial. */
export type Told = {
  /** What is wrong, and with which record. */
  explanation: string
  /** What to do about it, for programmers: calls and fields. */
  remedy: string
  /** The same for users of the command line: commands and flags. */
  command: string
}

/** The sentence for a cause of denial: the one place from which the contract, the SDK and the command line have it. */
export function toldOf(cause: DenialReason, facts: DenialFacts): Told {
  const { what, remedy, command } = SENTENCES[cause]
  return { explanation: what(facts), remedy, command: command ?? remedy }
}

/** What to do about a cause of denial on the command line; empty for a cause that is not known here. */
export function commandRemedy(cause: string): string {
  const sentence = Object.hasOwn(SENTENCES, cause) ? SENTENCES[cause as DenialReason] : undefined
  return sentence?.command ?? sentence?.remedy ?? ""
}

type Sentence = { what: (facts: DenialFacts) => string; remedy: string; command?: string }

const SIGN_STATE = {
  remedy: "sign the chain's state with a current key of its authority (`resign` of the SDK) and store it",
  command:
    "`trust-registry authority get` shows the keys; `trust-registry resign` signs the state with a current one, " +
    "`trust-registry store` stores it",
}
const SIGN_RECORD = {
  remedy:
    "if the record was changed after it was signed, store it as it was signed; if the key was replaced, make the record again with a current " +
    "key (GetAuthority tells the keys)",
  command:
    "`trust-registry authority get` shows the keys; make the record again with a current one and store it",
}
const REGISTER = {
  remedy: "RegisterAuthority with the public keys that it signs with",
  command: "`trust-registry authority register` registers it with its keys",
}
const DELEGATE_AGAIN = {
  remedy: "have the delegator delegate again, and store the chain",
  command: "`trust-registry delegate` makes a new one, `trust-registry store` stores it",
}
const NEW_CHAIN = {
  remedy: "make a chain with a later expiry, and store it",
  command: "`trust-registry establish` makes a new one, `trust-registry store` stores it",
}
const REVOKED = {
  remedy: "ListRevokedRecords names the revocation; LiftSuspension ends a suspension, nothing else is lifted",
  command:
    "`trust-registry revocations` names the revocation; `trust-registry lift-suspension` ends a suspension, nothing else is lifted",
}
const WRITE_OFFSET = {
  remedy: "make the record again with an expiry that has an offset, such as 2027-01-31T00:00:00Z",
}
const TRACE = { remedy: "add the trace to the record, sign the record again, and store the chain" }

/** A cause without a sentence does not compile. */
const SENTENCES: Record<DenialReason, Sentence> = {
  NO_TRUST_CHAIN: {
    what: ({ agentId, status }) =>
      status === undefined
        ? `no chain of agent ${quoted(agentId)} is stored`
        : `the chain of agent ${quoted(agentId)} is ${status}`,
    remedy: "StoreChain stores one; RestoreChain brings a deleted one back",
    command: "`trust-registry store` stores one; `trust-registry restore` brings a deleted one back",
  },
  REVOCATION_UNVERIFIABLE: {
    what: ({ detail }) => `the signed ledger of revocations cannot be verified${after(detail)}`,
    remedy: "give the ledger as its owner signed it",
  },
  REVOKED: {
    what: ({ agentId, holderId, id, status }) =>
      id === undefined
        ? `agent ${quoted(agentId)} is ${status ?? "revoked"}`
        : `delegation ${quoted(id)} to agent ${quoted(holderId ?? agentId)} is revoked`,
    ...REVOKED,
  },
  NAIVE_EXPIRY: {
    what: (facts) => `${field(facts)} has no offset from UTC, so it names no instant`,
    ...WRITE_OFFSET,
  },
  TRUST_CHAIN_EXPIRED: {
    what: ({ agentId, holderId, since }) =>
      `the chain of agent ${quoted(holderId ?? agentId)} has expired${since === undefined ? "" : `: it was valid until ${visible(since)}`}`,
    ...NEW_CHAIN,
  },
  CHAIN_STATE_UNSIGNED: {
    what: ({ agentId }) =>
      `the state of the chain of agent ${quoted(agentId)} is not signed, so a record could be missing`,
    ...SIGN_STATE,
  },
  AUTHORITY_UNKNOWN: {
    what: ({ authorityId, agentId, holderId }) =>
      `authority ${quoted(authorityId ?? "")}, which signs for agent ${quoted(holderId ?? agentId)}, is not known`,
    ...REGISTER,
  },
  CHAIN_STATE_SIGNATURE_INVALID: {
    what: ({ agentId, authorityId }) =>
      `the signature of the state of the chain of agent ${quoted(agentId)} does not verify with the keys of ${by(authorityId)}`,
    ...SIGN_STATE,
  },
  CAPABILITY_NOT_FOUND: {
    what: ({ agentId, action }) => `agent ${quoted(agentId)} has no capability that covers ${quoted(action)}`,
    remedy: "attest or delegate one to the agent, and store its chain",
    command:
      "`trust-registry attest` or `trust-registry delegate` gives it one, `trust-registry store` stores it",
  },
  CAPABILITY_REVOKED: {
    what: (facts) => `capability ${whose(facts)} is revoked`,
    ...REVOKED,
  },
  CAPABILITY_SIGNATURE_INVALID: {
    what: (facts) =>
      `the signature of capability ${whose(facts)} does not verify with the keys of ${by(facts.authorityId)}`,
    ...SIGN_RECORD,
  },
  GENESIS_SIGNATURE_INVALID: {
    what: (facts) =>
      `the signature of the genesis record ${whose(facts)} does not verify with the keys of ${by(facts.authorityId)}`,
    ...SIGN_RECORD,
  },
  CONSTRAINT_VIOLATION: {
    what: ({ agentId, action, detail }) =>
      `agent ${quoted(agentId)} may not ${quoted(action)} now${after(detail)}`,
    remedy: "ask for what the constraints permit, or have the authority attest others",
  },
  CONSTRAINT_NOT_ENFORCED: {
    what: ({ agentId, action, detail }) =>
      `agent ${quoted(agentId)} may ${quoted(action)} only within constraints that nobody enforces${after(detail)}`,
    remedy:
      "enforce them in the caller and name them in `heeds`, or give in context_json and resource what their rules need",
    command:
      "enforce them yourself and name each with --heeds, or give with --context and --resource what their rules need",
  },
  REASONING_MISSING: {
    what: ({ agentId }) =>
      `a constraint of agent ${quoted(agentId)} asks for reasoning traces, and a delegation or audit anchor has none`,
    ...TRACE,
  },
  REASONING_HASH_MISMATCH: {
    what: (facts) =>
      `the reasoning trace of record ${whose(facts)} does not match the hash that the record signs`,
    ...TRACE,
  },
  REASONING_SIGNATURE_MISSING: {
    what: (facts) => `the reasoning trace of record ${whose(facts)} is not signed`,
    ...TRACE,
  },
  REASONING_SIGNATURE_INVALID: {
    what: (facts) => `the signature of the reasoning trace of record ${whose(facts)} does not verify`,
    ...SIGN_RECORD,
  },
  DELEGATOR_NOT_FOUND: {
    what: ({ id, agentId }) =>
      `the chain of ${quoted(id ?? "")}, who delegated to agent ${quoted(agentId)}, is not stored`,
    remedy: "store the delegator's chain",
    command: "`trust-registry store` stores the delegator's chain",
  },
  DELEGATOR_INACTIVE: {
    what: ({ id, agentId, status }) =>
      `${quoted(id ?? "")}, above agent ${quoted(agentId)}, is ${status ?? "not in force"}`,
    ...REVOKED,
  },
  DELEGATION_VERSION_UNSUPPORTED: {
    what: (facts) =>
      `delegation ${whose(facts)} has a signing_payload_version that is not known${after(facts.detail)}`,
    ...DELEGATE_AGAIN,
  },
  DELEGATION_UNSIGNABLE: {
    what: (facts) =>
      `delegation ${whose(facts)} has contents that its version does not sign${after(facts.detail)}`,
    ...DELEGATE_AGAIN,
  },
  DELEGATION_SIGNATURE_MALFORMED: {
    what: (facts) => `the signature of delegation ${whose(facts)} is no Ed25519 signature in base64`,
    ...DELEGATE_AGAIN,
  },
  DELEGATION_SIGNATURE_INVALID: {
    what: (facts) =>
      `the signature of delegation ${whose(facts)} does not verify with the keys of ${by(facts.authorityId)}`,
    ...DELEGATE_AGAIN,
  },
  DELEGATION_EXPIRED: {
    what: (facts) => `delegation ${whose(facts)}, or the one it comes from, has expired${until(facts)}`,
    ...DELEGATE_AGAIN,
  },
  AUDIT_SIGNATURE_INVALID: {
    what: (facts) =>
      `the signature of audit anchor ${whose(facts)} does not verify with the keys of ${by(facts.authorityId)}`,
    ...SIGN_RECORD,
  },
  CHAIN_UNSIGNED: {
    what: ({ agentId }) => `no record of the chain of agent ${quoted(agentId)} is signed`,
    remedy: "store the chain as its authority signed it: a copy without signatures proves nothing",
  },
  EVALUATION_FAILED: {
    what: ({ agentId, detail }) => `trust in agent ${quoted(agentId)} cannot be evaluated${after(detail)}`,
    remedy: "VerifyChainIntegrity checks the stored chain",
    command: "`trust-registry verify` checks the stored chain",
  },
  CAPABILITY_EXPIRED: {
    what: (facts) => `capability ${whose(facts)} has expired${until(facts)}`,
    remedy: "attest it again with a later expiry, and store the chain",
    command: "`trust-registry attest` makes a new one, `trust-registry store` stores it",
  },
  PATH_BROKEN: {
    what: ({ agentId, action, detail }) =>
      `no path of records gives ${quoted(action)} to agent ${quoted(agentId)}${after(detail)}`,
    remedy: "`path` begins with the record that breaks it: store that chain with the missing records",
    command: "the record marked BROKEN breaks it: store that chain with the missing records",
  },
  AUTHORITY_MISMATCH: {
    what: ({ agentId, action, detail }) =>
      `the permission ${quoted(action)} of agent ${quoted(agentId)} comes from another authority${after(detail)}`,
    remedy: "leave authority_id empty to accept any authority",
    command: "leave out --authority to accept any authority",
  },
  KEY_REVOKED: {
    what: (facts) =>
      `${facts.detail ?? `record ${quoted(facts.id ?? "")}`} of agent ${quoted(facts.holderId ?? facts.agentId)} is signed with a key of ${by(facts.authorityId)} that is revoked`,
    remedy:
      "sign it again with a current key of the authority and store it: GetAuthority tells the keys, RotateAuthorityKey adds one",
    command:
      "`trust-registry authority get` shows the keys; sign it again with a current one (`trust-registry resign` for the state) and store it",
  },
  ATTESTER_NOT_RECOGNISED: {
    what: (facts) =>
      `capability ${whose(facts)} is attested by ${by(facts.authorityId)}, which the agent's own authority does not recognise for it`,
    remedy:
      "have the agent's authority attest it, or recognise the attester for it (UpdateAuthority, `recognised`)",
    command: "`trust-registry authority recognise` recognises the attester for it",
  },
  AUTHORITY_NOT_PERMITTED: {
    what: (facts) => `${recordOf(facts)} is signed by ${by(facts.authorityId)}, which lacks the permission`,
    remedy: "UpdateAuthority grants permissions",
    command: "`trust-registry authority update --permissions` grants them",
  },
  AUTHORITY_UNSIGNED: {
    what: ({ authorityId, agentId, detail }) =>
      `the keys of ${by(authorityId)}, on which trust in agent ${quoted(agentId)} rests, are not its own word${after(detail)}`,
    remedy:
      "pin a key, or the hash of a document, that you have from the authority itself; if it stands behind the change, pin record.document_hash",
    command:
      "`trust-registry authority documents` shows what is signed; if the authority stands behind it, --anchor ID=HASH pins a document",
  },
  NOT_YET_VALID: {
    what: (facts) => `capability ${whose(facts)} is attested in the future: ${visible(facts.since ?? "")}`,
    remedy: "wait until then, or have it attested with the present time",
  },
  AUTHORITY_INACTIVE: {
    what: (facts) => `${recordOf(facts)} is signed by ${by(facts.authorityId)}, which is inactive`,
    remedy: "have an active authority sign the records, and store the chain",
  },
  DELEGATION_EXCEEDED: {
    what: (facts) => `${recordOf(facts)} gives more than its delegator may`,
    ...DELEGATE_AGAIN,
  },
  SIGNATURE_ALGORITHM_UNSUPPORTED: {
    what: (facts) =>
      `the genesis record ${whose(facts)} names a signature algorithm other than Ed25519${after(facts.detail)}`,
    remedy: "store the chain with signature_algorithm Ed25519, or without it",
  },
  QUORUM_NOT_MET: {
    what: (facts) =>
      `delegation ${whose(facts)} needs more signers than have signed it${after(facts.detail)}`,
    remedy: "have the delegator delegate again without multi_sig_policy: co-signatures are not collected yet",
    command: "`trust-registry delegate` makes one that needs one signer: co-signatures are not collected yet",
  },
  SIGNED_LATE: {
    what: (facts) =>
      `${recordOf(facts)} is signed with a key of ${by(facts.authorityId)} whose window has ended`,
    ...SIGN_RECORD,
  },
}

function recordOf({ agentId, holderId, detail = "a record" }: DenialFacts): string {
  return `${visible(detail)} of agent ${quoted(holderId ?? agentId)}`
}

function by(authorityId: string | undefined): string {
  return authorityId === undefined ? "its authority" : `authority ${quoted(authorityId)}`
}

function whose({ id = "", agentId, holderId }: DenialFacts): string {
  return `${quoted(id)} of agent ${quoted(holderId ?? agentId)}`
}

function field({ agentId, holderId, detail = "an expiry" }: DenialFacts): string {
  return `${visible(detail)} in the chain of agent ${quoted(holderId ?? agentId)}`
}

function until({ since }: DenialFacts): string {
  return since === undefined ? "" : `: it was valid until ${visible(since)}`
}

function after(detail: string | undefined): string {
  return detail === undefined || detail === "" ? "" : `: ${visible(detail)}`
}
