import { readFileSync } from "node:fs"
import { join } from "node:path"
import { create } from "@bufbuild/protobuf"
import {
  type Document,
  documentHash,
  documentText,
  proofViolations,
  signDocument,
} from "@trust-registry/eatp"
import {
  type Authority,
  AuthorityKeySchema,
  AuthorityPermission,
  AuthoritySchema,
  AuthorityType,
  RecognitionSchema,
} from "@trust-registry/proto"
import { expect } from "chai"
import { authorityWith, newSigner } from "../support/authorityWord.js"

const moment = (seconds: number) => ({ seconds: BigInt(seconds), nanos: 0 })

describe("the documents of authorities", () => {
  const signer = newSigner()
  const authority = authorityWith("org-a", signer)
  const changed = (changes: Partial<Authority>): Document => ({
    authority: create(AuthoritySchema, { ...authority, ...changes }),
  })
  const key = (changes: object) => [
    create(AuthorityKeySchema, { keyId: "k1", publicKey: signer.publicKey, ...changes }),
  ]

  it("have the bytes that their description shows", () => {
    const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "authority-documents.md"), "utf8")
    const text = /^```json\n(.*)\n```$/m.exec(page)?.[1] ?? ""
    const { key_id: keyId, public_key: publicKey } = JSON.parse(text).keys[0]
    const keys = [{ keyId, publicKey }]
    const small = create(AuthoritySchema, {
      id: "org-small",
      name: "S",
      authorityType: AuthorityType.SYSTEM,
      keys,
    })
    expect(documentText({ authority: small })).to.equal(text)
    expect(page).to.contain(`these ${Buffer.byteLength(text)} bytes`)
    expect(page).to.contain(documentHash({ authority: small }))
  })

  it("have a hash that sees every change but a mark of a key", () => {
    const recognised = [create(RecognitionSchema, { authorityId: "b", capabilities: ["c"] })]
    const seen: Document[] = [
      { authority },
      changed({ id: "org-b" }),
      changed({ name: "other" }),
      changed({ authorityType: AuthorityType.HUMAN }),
      changed({ permissions: [] }),
      changed({ permissions: [AuthorityPermission.DELEGATE_TRUST, AuthorityPermission.CREATE_AGENTS] }),
      changed({ permissions: [AuthorityPermission.CREATE_AGENTS, AuthorityPermission.DELEGATE_TRUST] }),
      changed({ parentAuthorityId: "org-b" }),
      changed({ metadataJson: '{"b":1.0,"a":"é"}' }),
      changed({ recognised }),
      changed({ keys: [] }),
      changed({ keys: key({ keyId: "k2" }) }),
      changed({ keys: key({ publicKey: newSigner().publicKey }) }),
    ]
    expect(new Set(seen.map(documentHash)).size).to.equal(seen.length)
    const marks = create(AuthorityKeySchema, {
      keyId: "k1",
      publicKey: signer.publicKey,
      revokedAt: moment(1),
      compromisedAt: moment(1),
    })
    expect(documentHash(changed({ keys: [marks] }))).to.equal(documentHash({ authority }))
    const bounded = (bounds: object) =>
      changed({ keys: [create(AuthorityKeySchema, { keyId: "k1", publicKey: signer.publicKey, ...bounds })] })
    const windows = [
      bounded({ notBefore: moment(1) }),
      bounded({ notAfter: moment(1) }),
      bounded({ notAfter: moment(2) }),
    ]
    expect(new Set([...windows, { authority }].map(documentHash)).size).to.equal(4)
  })

  it("are signed with the hash of the one before and the time, which no other document has", async () => {
    const first = { authority, proof: await signDocument(authority, undefined, moment(1), [signer]) }
    const second = { authority, proof: await signDocument(authority, first, moment(2), [signer]) }
    const context = { storedMicros: undefined }
    expect(proofViolations(first, { ...context, before: undefined })).to.deep.equal([])
    expect(proofViolations(second, { ...context, before: first })).to.deep.equal([])
    const again = {
      authority,
      proof: { ...second.proof, signedAt: { ...second.proof.signedAt, nanos: 1 } as never },
    }
    const fields = (document: typeof first, before: typeof first | undefined) =>
      proofViolations(document, { ...context, before }).map(({ field }) => field)
    expect(fields(again, first)).to.deep.equal(["proof.signatures[0].signature"])
    expect(fields(first, first)).to.deep.equal(["proof.previous_hash", "proof.signed_at"])
    expect(fields(second, undefined)).to.deep.equal(["proof.previous_hash"])
    expect(fields(second, second)).to.deep.equal(["proof.previous_hash", "proof.signed_at"])
  })
})
