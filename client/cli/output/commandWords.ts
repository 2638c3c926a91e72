/**
 * What the registry says, in the words of the command line: its texts name calls and fields of the contract, where people have commands
 * and flags. Text in quotation marks is somebody's id and stays as it is.
 */
export function commandWords(text: string): string {
  return text
    .split(QUOTED)
    .map((part) => (part.startsWith('"') ? part : part.replace(TERMS, (term) => WORDS.get(term) ?? term)))
    .join("")
}

const QUOTED = /("(?:[^"\\]|\\.)*")/

/** Each term of the contract that a text of the registry names, and what it is on the command line. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ["StoreChain", "`store`"],
  ["GetChain", "`get`"],
  ["UpdateChain", "`update`"],
  ["DeleteChain", "`delete`"],
  ["RestoreChain", "`restore`"],
  ["PurgeChain", "`delete --purge`"],
  ["VerifyChainIntegrity", "`verify`"],
  ["ListChainRevisions", "`history`"],
  ["ListRevokedRecords", "`revocations`"],
  ["LiftSuspension", "`lift-suspension`"],
  ["RegisterAuthority", "`authority register`"],
  ["UpdateAuthority", "`authority update`"],
  ["GetAuthority", "`authority get`"],
  ["RotateAuthorityKey", "`authority rotate-key`"],
  ["RevokeKey", "`revoke key`"],
  ["REVOCATION_MODE_IMMEDIATE", "--mode immediate"],
  ["REVOCATION_MODE_GRACEFUL", "--mode graceful"],
  ["REVOCATION_MODE_SUSPEND", "--mode suspend"],
  ["include_inactive", "--include-inactive"],
  ["include_current", "--include-current"],
  ["expected_revision", "--expected-revision"],
  ["snapshot_revision", "--snapshot-revision"],
  ["after_agent_id", "--after"],
  ["start_revision", "--from"],
  ["consistency.min_revision", "--min-revision"],
  ["consistency.at_revision", "--at-revision"],
  ["consistency.strong", "--strong"],
  ["context_json", "--context"],
  ["deny_unenforced", "--deny-unenforced"],
  ["valid_at", "--at"],
  ["effective_at", "--at"],
  ["compromised_at", "--compromised-at"],
  ["page_size", "--limit"],
  ["page_token", "--page-token"],
  ["filter.authority_id", "--authority"],
  ["filter.agent_id_prefix", "--prefix"],
  ["filter.capability_type", "--capability-type"],
  ["filter.capability", "--capability"],
  ["filter.delegator_id", "--delegator"],
  ["filter.metadata_contains_json", "--metadata"],
  ["filter.expires_before", "--expires-before"],
  ["agent_ids", "AGENT"],
  ["agent_id", "AGENT"],
  ["authority_id", "AUTHORITY"],
  ["delegation_id", "DELEGATION"],
  ["capability_id", "CAPABILITY"],
  ["key_id", "KEY"],
  ["revocation_id", "REVOCATION"],
])

// Not within a longer word or path, as in `chain.genesis.agent_id`, which is a place in a document.
const TERMS = new RegExp(
  `(?<![\\w.\\]])(?:${[...WORDS.keys()]
    .sort((a, b) => b.length - a.length)
    .map((term) => term.replace(/\./g, "\\."))
    .join("|")})(?![\\w.\\[])`,
  "g",
)
