import { DocumentError, wordsOf } from "@trust-registry/eatp"
import { AuthorityPermissionSchema, AuthorityTypeSchema } from "@trust-registry/proto"
import { forEachAuthority } from "../agents.js"
import { authorityTypeOf, permissionOf } from "../authorities/authorityDocument.js"
import { printChange, printDocumentChange } from "../authorities/authorityOutput.js"
import { command, type Flag, type Values } from "../command.js"
import { jsonObjectOf } from "../flags/makeFlags.js"
import { SIGN_FLAGS, signingOf } from "../flags/signFlags.js"
import { AUTHORITY_REVISION_FLAG, expectedRevision } from "../flags/writeFlags.js"
import { EXIT } from "../output/exit.js"
import { UsageError } from "../usage.js"

const FIELD_FLAGS = {
  name: { type: "string", value: "TEXT", help: "the name" },
  type: { type: "string", value: "TYPE", help: `the type: ${wordsOf(AuthorityTypeSchema).join(", ")}` },
  permissions: {
    type: "string",
    value: "LIST",
    help: `all permissions, separated by commas: ${wordsOf(AuthorityPermissionSchema).join(", ")}; empty: none`,
  },
  parent: { type: "string", value: "ID", help: "the parent authority; empty: none" },
  metadata: { type: "string", value: "JSON", help: "a JSON object; empty: none" },
} as const satisfies Record<string, Flag>

/** Updates an authority. */
export const updateAuthority = command({
  args: "AUTHORITY",
  arity: [1, 1],
  summary: "update the name, type, permissions, parent or metadata of an authority",
  details:
    "Changes only the fields that flags are given for. For keys, use `authority rotate-key` and `revoke key`. Without --key the " +
    "authority is unsigned from then on.",
  examples: [
    "authority update org-acme --key org-acme.key --name 'Acme Inc.' --permissions create_agents,grant_capabilities",
    "authority update org-acme-billing --parent org-acme",
  ],
  flags: { ...FIELD_FLAGS, ...AUTHORITY_REVISION_FLAG, ...SIGN_FLAGS },
  async run(invocation) {
    const { values } = invocation
    const signing = await signingOf(values)
    const condition = expectedRevision(values)
    const changes = changesOf(values)
    const registry = invocation.registry()
    return forEachAuthority(invocation, async (id) => {
      const request = {
        authority: { id, ...changes.fields },
        updateMask: { paths: changes.paths },
        ...condition,
      }
      const { record } = await registry.updateAuthority(request, signing)
      await printDocumentChange(invocation, "updated", record)
      return EXIT.done
    })
  },
})

/** Makes authorities inactive. */
export const deactivateAuthorities = command({
  args: "AUTHORITY...",
  arity: [1, Infinity],
  summary: "make authorities inactive; what they signed still verifies",
  examples: ["authority deactivate org-acme"],
  flags: AUTHORITY_REVISION_FLAG,
  run(invocation) {
    const condition = expectedRevision(invocation.values)
    const registry = invocation.registry()
    return forEachAuthority(invocation, async (authorityId) => {
      const { record, unchanged } = await registry.deactivateAuthority({ authorityId, ...condition })
      await printChange(invocation, "deactivated", record, unchanged)
      return EXIT.done
    })
  },
})

const PATHS = {
  name: "name",
  type: "authority_type",
  permissions: "permissions",
  parent: "parent_authority_id",
  metadata: "metadata_json",
} as const satisfies Record<keyof typeof FIELD_FLAGS, string>

/** Returns the fields that the flags name, with their new values. A flag with an empty value clears its field. */
function changesOf(values: Values<typeof FIELD_FLAGS>) {
  const named = (Object.keys(PATHS) as (keyof typeof PATHS)[]).filter((flag) => values[flag] !== undefined)
  if (named.length === 0)
    throw new UsageError("nothing to change: use --name, --type, --permissions, --parent or --metadata")
  const { name, type, permissions = "", parent, metadata } = values
  const fields = {
    ...(name ? { name } : {}),
    ...(type === undefined ? {} : { authorityType: usable(() => authorityTypeOf(type, "--type")) }),
    permissions: words(permissions).map((one) => usable(() => permissionOf(one, "--permissions"))),
    ...(parent ? { parentAuthorityId: parent } : {}),
    ...(metadata ? { metadataJson: jsonObjectOf({ metadata }, "metadata") } : {}),
  }
  return { fields, paths: named.map((flag) => PATHS[flag]) }
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
