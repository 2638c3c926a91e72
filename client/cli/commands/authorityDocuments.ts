import { toJsonString } from "@bufbuild/protobuf"
import { verifyDocuments, visible, visibleName } from "@trust-registry/eatp"
import { StoredAuthoritySchema } from "@trust-registry/proto"
import { forEachAuthority } from "../agents.js"
import { command } from "../command.js"
import { anchorOf } from "../flags/anchorFlags.js"
import { EXIT } from "../output/exit.js"

/** Prints authorities with all their documents. */
export const authorityDocuments = command({
  args: "AUTHORITY...",
  arity: [1, Infinity],
  summary: "print authorities with all their documents, for `check --anchor`",
  details:
    "One line of JSON for each authority: what the registry has of it, and every document from registration on, with its signatures. " +
    "`check --authorities` reads such lines.",
  examples: ["authority documents org-acme > authorities.json"],
  flags: {},
  run(invocation) {
    const registry = invocation.registry()
    return forEachAuthority(invocation, async (authorityId) => {
      const evidence = await registry.authorityEvidence(authorityId)
      await invocation.out.json(toJsonString(StoredAuthoritySchema, evidence, { useProtoFieldName: true }))
      return EXIT.done
    })
  },
})

/** Verifies that an authority in the registry is its own word. */
export const verifyAuthority = command({
  args: "AUTHORITY",
  arity: [1, 1],
  summary: "verify that the keys of an authority are its own word, from a key or hash that you know",
  details:
    "Goes from the document that is pinned to the newest one: each must name the one before by its hash and be signed by a key in force. " +
    "Nothing of it is believed because the registry says it. Prints the hash of the newest document, which is the better pin from then on, or " +
    "`not verified` and why (exit code 1).",
  examples: [
    "authority verify org-acme --anchor 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "authority verify org-acme --anchor 89781c828881f6e9e2254fb916e6f5bc295d53173742d9f54631766c1b18382a",
  ],
  flags: {
    anchor: {
      type: "string",
      multiple: true,
      required: true,
      value: "KEY|HASH",
      help: "a public key of the authority (once for each), or the hash of one of its documents",
    },
  },
  run(invocation) {
    const { values, json, out } = invocation
    const registry = invocation.registry()
    return forEachAuthority(invocation, async (id) => {
      const anchor = anchorOf(id, values.anchor)
      const evidence = await registry.authorityEvidence(id)
      const { problem } = verifyDocuments(evidence, anchor)
      const { hash = "" } = evidence.documents.at(-1) ?? {}
      const count = evidence.documents.length
      if (json) {
        const verified = problem === undefined
        await out.json(
          JSON.stringify({
            authority_id: id,
            verified,
            problem: problem ?? null,
            document_hash: hash,
            documents: count,
          }),
        )
      } else if (problem === undefined)
        await out.line(`verified ${visibleName(id)}: ${count} documents, the newest has hash ${hash}`)
      else await out.line(visible(`not verified ${visibleName(id)}: ${problem}`))
      return problem === undefined ? EXIT.done : EXIT.incomplete
    })
  },
})
