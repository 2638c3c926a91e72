import { status } from "@grpc/grpc-js"
import { DocumentError, wordsOf } from "@trust-registry/eatp"
import { AuthorityPermissionSchema, type AuthorityRecord, AuthorityTypeSchema } from "@trust-registry/proto"
import { RevisionConflictError } from "../../errors.js"
import { forEachAuthority } from "../agents.js"
import { authorityTypeOf, permissionOf } from "../authorities/authorityDocument.js"
import { tellChange } from "../authorities/authorityTold.js"
import { command, type Flag, type Values } from "../command.js"
import { jsonObjectOf } from "../flags/makeFlags.js"
import { UsageError } from "../flags/usage.js"
import { AUTHORITY_REVISION_FLAG, expectedRevision } from "../flags/writeFlags.js"
import { EXIT } from "../output/exit.js"

const FIELD_FLAGS = {
  name: { type: "string", value: "TEXT", help: "its name" },
  type: { type: "string", value: "TYPE", help: `its type: ${wordsOf(AuthorityTypeSchema).join(", ")}` },
  permissions: {
    type: "string",
    value: "LIST",
    help: `all that it may do, with commas between: ${wordsOf(AuthorityPermissionSchema).join(", ")}`,
  },
  parent: { type: "string", value: "ID", help: "the authority above it; an empty text: none" },
  metadata: { type: "string", value: "JSON", help: "a JSON object; an empty text: none" },
} as const satisfies Record<string, Flag>

/** Changes what an authority is called and may do. */
export const updateAuthority = command({
  args: "AUTHORITY",
  arity: [1, 1],
  summary: "change what an authority is called and may do",
  details:
    "What no flag names stays as it is. If somebody else changes the authority meanwhile, nothing is changed and you are told.",
  examples: [
    "authority update org-acme --name 'Acme Inc.' --permissions create_agents,grant_capabilities",
    "authority update org-acme-billing --parent org-acme",
  ],
  flags: { ...FIELD_FLAGS, ...AUTHORITY_REVISION_FLAG },
  run(invocation) {
    const { values } = invocation
    const condition = expectedRevision(values)
    if (values.metadata) jsonObjectOf(values, "metadata")
    const changes = changesOf(values)
    const registry = invocation.registry()
    return forEachAuthority(invocation, async (authorityId) => {
      const { authority, record } = await registry.getAuthority({ authorityId })
      if (!authority || !record) throw new Error("the registry answered without an authority")
      assureRevision(condition.expectedRevision, record)
      const { parent = authority.parentAuthorityId, metadata = authority.metadataJson } = values
      const answer = await registry.updateAuthority({
        authorityId,
        name: authority.name,
        authorityType: authority.authorityType,
        permissions: authority.permissions,
        ...changes,
        ...(parent ? { parentAuthorityId: parent } : {}),
        ...(metadata ? { metadataJson: metadata } : {}),
        expectedRevision: record.revision,
      })
      await tellChange(invocation, "updated", answer.record)
      return EXIT.done
    })
  },
})

/** Makes authorities inactive. */
export const deactivateAuthorities = command({
  args: "AUTHORITY...",
  arity: [1, Infinity],
  summary: "make authorities inactive; what they signed stays signed",
  examples: ["authority deactivate org-acme"],
  flags: AUTHORITY_REVISION_FLAG,
  run(invocation) {
    const condition = expectedRevision(invocation.values)
    const registry = invocation.registry()
    return forEachAuthority(invocation, async (authorityId) => {
      const { record } = await registry.deactivateAuthority({ authorityId, ...condition })
      await tellChange(invocation, "deactivated", record)
      return EXIT.done
    })
  },
})

/** What was read is what will be written over, so it must be what was expected. */
function assureRevision(expected: bigint | undefined, { authorityId, revision }: AuthorityRecord) {
  if (expected === undefined || expected === revision) return
  const message = `authority ${JSON.stringify(authorityId)} was expected at revision ${expected}; it is at ${revision}`
  throw new RevisionConflictError(message, { code: status.ABORTED, reason: "REVISION_CONFLICT", authorityId })
}

/** What the flags change of the fields that are always there. */
function changesOf({ name, type, permissions, parent, metadata }: Values<typeof FIELD_FLAGS>) {
  if ([name, type, permissions, parent, metadata].every((value) => value === undefined))
    throw new UsageError("say what to change: --name, --type, --permissions, --parent or --metadata")
  return {
    ...(name === undefined ? {} : { name }),
    ...(type === undefined ? {} : { authorityType: usable(() => authorityTypeOf(type, "--type")) }),
    ...(permissions === undefined
      ? {}
      : { permissions: words(permissions).map((one) => usable(() => permissionOf(one, "--permissions"))) }),
  }
}

function words(list: string) {
  return list
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean)
}

function usable<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    if (error instanceof DocumentError) throw new UsageError(`${error.path} ${error.reason}`)
    throw error
  }
}
