import type { KeySigner } from "@trust-registry/eatp"
import type { Authority } from "@trust-registry/proto"
import { authorityFromDocument, type ReadAuthority } from "../authorities/authorityDocument.js"
import { printDocumentChange } from "../authorities/authorityOutput.js"
import { command } from "../command.js"
import { openTexts, problemOf, type ReadText } from "../documents/documents.js"
import { errorReportOf, reportError } from "../errorReport.js"
import { SIGN_FLAG, signingOf } from "../flags/signFlags.js"
import { EXIT, exitCodeOf } from "../output/exit.js"

/** Registers authorities from documents. */
export const registerAuthorities = command({
  args: "[FILE...]",
  arity: [0, Infinity],
  summary: "register authorities from JSON documents",
  details:
    "Reads files, or standard input without FILE or with `-`: one document a line, pretty-printed ones one after another, or " +
    "an array. Documents are as `authority get` prints them, or have one `public_key` (and `signing_key_id`) instead of " +
    "`keys`. A key without an id gets the first 16 hexadecimal digits of the SHA-256 of its bytes. A key with `revoked_at` is " +
    "registered as revoked, and an authority with `is_active` false as inactive. One without `permissions` and without a parent may do " +
    "the usual: create_agents, deactivate_agents, delegate_trust, grant_capabilities, revoke_capabilities. Reports a refused " +
    "document and continues. A parent must come first. With --key for each of its keys an authority signs its document, so that " +
    "nobody, the operator of the registry included, can add a key that callers with a pin accept (see `authority verify`).",
  examples: [
    "authority register authorities.json --key org-acme.key",
    "authority get org-acme | trust-registry authority register --address new:50051",
  ],
  flags: SIGN_FLAG,
  async run(invocation) {
    const { signers = [] } = await signingOf(invocation.values)
    const files = await openTexts(invocation.args, { some: true })
    const registry = invocation.registry()
    let exitCode: number = EXIT.done
    for await (const document of files.read()) {
      const origin = { file: document.file, line: document.line }
      const { authority, inactive, granted, problem } = read(document)
      let code: number = EXIT.done
      if (!authority) {
        code = EXIT.refused
        await reportError(invocation, { origin, reason: "INVALID_DOCUMENT", message: problem })
      } else
        try {
          const own = signers.filter((signer) => hasKey(authority, signer))
          const { record } = await registry.registerAuthority({ authority, inactive }, { signers: own })
          await printDocumentChange(invocation, "registered", record, granted ? authority.permissions : [])
        } catch (error) {
          code = exitCodeOf(error)
          await reportError(invocation, errorReportOf(error, { origin, authorityId: authority.id }))
        }
      exitCode ||= code
      if (code > EXIT.refused) break
    }
    return exitCode
  },
})

function hasKey({ keys }: Authority, signer: KeySigner): boolean {
  return keys.some(({ publicKey }) => publicKey === signer.publicKey)
}

type Read =
  | (ReadAuthority & { problem?: undefined })
  | ({ [Field in keyof ReadAuthority]?: undefined } & { problem: string })

function read({ text, problem, line }: ReadText): Read {
  if (text === undefined) return { problem }
  try {
    return authorityFromDocument(text)
  } catch (error) {
    return { problem: problemOf(error, line) }
  }
}
