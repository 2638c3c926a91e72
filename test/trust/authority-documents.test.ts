import { create } from "@bufbuild/protobuf"
import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import {
  AuthorityProof,
  type DocumentProof,
  documentHash,
  signDocument,
  type TrustRegistry,
} from "@trust-registry/client"
import { AuthorityService, RecognitionSchema } from "@trust-registry/proto"
import { expect } from "chai"
import {
  authorityWith,
  followedBy,
  newestDocument,
  newSigner,
  registerSigned,
} from "../support/authorityWord.js"
import { detailsOf, failureOf } from "../support/calls.js"
import { connectSdk } from "../support/sdk.js"
import { withRegistry } from "../support/withRegistry.js"

describe("an authority's own word", () => {
  const { registry, line } = withRegistry()
  let sdk: TrustRegistry
  before(() => {
    sdk = connectSdk(registry.address)
  })
  after(() => sdk.close())

  const calls = () => line.calls(AuthorityService)
  const refusal = async (call: Promise<unknown>) => detailsOf(await failureOf(call))
  const fieldsOf = async (call: Promise<unknown>) =>
    (await refusal(call)).badRequest?.fieldViolations.map(({ field }) => field)
  const documentsOf = async (authorityId: string) => (await sdk.authorityEvidence(authorityId)).documents
  const recordOf = async (authorityId: string) => (await sdk.getAuthority({ authorityId })).record
  /** Changes the name, signed over a document that the test makes. */
  const rename = (next: Awaited<ReturnType<typeof followedBy>>) =>
    calls().updateAuthority({
      authority: { id: next.authority.id, name: next.authority.name },
      proof: next.proof,
    })

  describe("at registration", () => {
    it("is a signature by each of its keys", async () => {
      const { record } = await registerSigned(sdk, "both", newSigner())
      expect(record?.proof).to.equal(AuthorityProof.SELF_SIGNED)
      const [document, ...others] = await documentsOf("both")
      expect(others).to.deep.equal([])
      expect(document?.proof?.signatures).to.have.lengthOf(2)
      expect(document).to.include({ hash: record?.documentHash, revision: record?.revision })
      expect(documentHash(await newestDocument(sdk, "both"))).to.equal(record?.documentHash)
    })

    it("is missing where nobody signed, and every answer says so", async () => {
      const { record } = await sdk.registerAuthority({ authority: authorityWith("nobody", newSigner()) })
      expect(record?.proof).to.equal(AuthorityProof.UNSIGNED)
      expect((await recordOf("nobody"))?.proof).to.equal(AuthorityProof.UNSIGNED)
      const { authorities } = await sdk.listAuthorities({ pageSize: 1_000 }).page()
      const listed = authorities.find(({ authority }) => authority?.id === "nobody")
      expect(listed?.record).to.include({
        proof: AuthorityProof.UNSIGNED,
        documentHash: record?.documentHash,
      })
    })

    it("is refused without the proof of possession of one of two keys, and nothing is stored", async () => {
      const [one, two] = [newSigner(), newSigner()]
      const authority = authorityWith("half", one, two)
      const proof = await signDocument(authority, undefined, timestampFromMs(Date.now()), [one])
      const refused = await fieldsOf(calls().registerAuthority({ authority, proof }))
      expect(refused).to.deep.equal(["authority.keys[1].public_key"])
      const read = await refusal(calls().getAuthority({ authorityId: "half" }))
      expect(read.info?.reason).to.equal("AUTHORITY_NOT_FOUND")
    })

    it("is refused if the proof does not hold, and the field is named", async () => {
      const [signer, other] = [newSigner(), newSigner()]
      const authority = authorityWith("bad", signer)
      const now = timestampFromMs(Date.now())
      const good = await signDocument(authority, undefined, now, [signer])
      const early = timestampFromMs(Date.now() + 600_000)
      const renamed = { ...authority, name: "other" }
      const [signature] = good.signatures
      if (!signature) throw new Error("nobody signed")
      const { signedAt: _, ...undated } = good
      const cases: [DocumentProof, string][] = [
        [undated, "proof.signed_at"],
        [await signDocument(authority, undefined, early, [signer]), "proof.signed_at"],
        [{ ...good, signedAt: early }, "proof.signed_at"],
        [{ ...good, signatures: [] }, "proof.signatures"],
        [{ ...good, previousHash: "0".repeat(64) }, "proof.previous_hash"],
        [await signDocument(renamed, undefined, now, [signer]), "proof.signatures[0].signature"],
        [{ ...good, signedAt: timestampFromMs(0) }, "proof.signatures[0].signature"],
        [{ ...good, signatures: [{ ...signature, signature: "" }] }, "proof.signatures[0].signature"],
        [await signDocument(authority, undefined, now, [signer, other]), "proof.signatures[1].public_key"],
        [{ ...good, signatures: [signature, signature] }, "proof.signatures[1].public_key"],
      ]
      for (const [proof, field] of cases)
        expect(await fieldsOf(calls().registerAuthority({ authority, proof })), field).to.deep.equal([field])
      await calls().registerAuthority({ authority, proof: good })
    })
  })

  describe("of a change", () => {
    it("is a signature by a key in force, over the new document and the hash of the one before", async () => {
      const { signer } = await registerSigned(sdk, "chain")
      const next = newSigner()
      await sdk.updateAuthority({ authority: { id: "chain", name: "Renamed" } }, { signers: [signer] })
      const rotation = { authorityId: "chain", keyId: "k2", publicKey: next.publicKey }
      const rotated = await sdk.rotateAuthorityKey(rotation, { signers: [signer, next] })
      expect(rotated.record?.proof).to.equal(AuthorityProof.SELF_SIGNED)
      const documents = await documentsOf("chain")
      expect(documents).to.have.lengthOf(3)
      for (const [place, { proof }] of documents.entries())
        expect(proof?.previousHash).to.equal(documents[place - 1]?.hash ?? "")
      expect(documents.at(-1)?.hash).to.equal(rotated.record?.documentHash)
    })

    it("is missing where nobody signed: UNSIGNED from then on, whatever is signed later", async () => {
      const { signer } = await registerSigned(sdk, "broken")
      const { record } = await sdk.updateAuthority({
        authority: { id: "broken", name: "By an administrator" },
      })
      expect(record?.proof).to.equal(AuthorityProof.UNSIGNED)
      const options = { signers: [signer], adopt: true }
      const later = await sdk.updateAuthority({ authority: { id: "broken", name: "Adopted" } }, options)
      expect(later.record?.proof).to.equal(AuthorityProof.UNSIGNED)
      expect((await documentsOf("broken")).map(({ proof }) => proof?.signatures.length)).to.deep.equal([
        1, 0, 1,
      ])
    })

    it("stays where an unsigned change changes nothing, and where a mark is set", async () => {
      const { signer, record } = await registerSigned(sdk, "same", newSigner())
      await sdk.updateAuthority({ authority: { id: "same", name: "Authority same" } })
      await sdk.revokeKey({ authorityId: "same", keyId: "k2" })
      await sdk.deactivateAuthority({ authorityId: "same" })
      const { proof, documentHash } = {
        proof: AuthorityProof.SELF_SIGNED,
        documentHash: record?.documentHash,
      }
      expect(await recordOf("same")).to.include({ proof, documentHash, isActive: false })
      expect(await documentsOf("same")).to.have.lengthOf(1)
      await sdk.updateAuthority({ authority: { id: "same", name: "Still signed" } }, { signers: [signer] })
      expect((await recordOf("same"))?.proof).to.equal(AuthorityProof.SELF_SIGNED)
    })

    it("is refused if it is wrong, and nothing is stored", async () => {
      const { signer, record } = await registerSigned(sdk, "wrong")
      const before = await newestDocument(sdk, "wrong")
      const other = await followedBy(before, { name: "Signed" }, [signer])
      const sent = { ...other, authority: { ...other.authority, name: "Sent" } }
      expect(await fieldsOf(rename(sent))).to.deep.equal(["proof.signatures[0].signature"])
      const stranger = await followedBy(before, { name: "Stranger" }, [newSigner()])
      expect(await fieldsOf(rename(stranger))).to.deep.equal(["proof.signatures[0].public_key"])
      const old = await followedBy(before, { name: "Old" }, [signer], Date.now() - 86_400_000)
      expect(await fieldsOf(rename(old))).to.deep.equal(["proof.signed_at"])
      expect((await recordOf("wrong"))?.revision).to.equal(record?.revision)
    })

    it("is refused if only a key that is new in it signed", async () => {
      const { signer } = await registerSigned(sdk, "new-only")
      const thief = newSigner()
      const before = await newestDocument(sdk, "new-only")
      const effectiveAt = timestampFromMs(Date.now())
      const rotation = { authorityId: "new-only", keyId: "k2", publicKey: thief.publicKey, effectiveAt }
      const keys = [
        { ...before.authority.keys[0], notAfter: effectiveAt },
        { keyId: "k2", publicKey: thief.publicKey, notBefore: effectiveAt },
      ]
      const rotate = async (...signers: (typeof signer)[]) => {
        const { proof } = await followedBy(before, { keys: keys as never }, signers)
        return await calls().rotateAuthorityKey({ ...rotation, proof })
      }
      expect(await fieldsOf(rotate(thief))).to.deep.equal(["proof.signatures"])
      // The other way round: the owner of the new key has not shown that it has it.
      expect(await fieldsOf(rotate(signer))).to.deep.equal(["public_key"])
      expect((await rotate(signer, thief)).stored?.record?.proof).to.equal(AuthorityProof.SELF_SIGNED)
    })

    it("of a rotation covers its times, so they have to be named", async () => {
      const { signer } = await registerSigned(sdk, "times")
      const next = newSigner()
      const before = await newestDocument(sdk, "times")
      const { proof } = await followedBy(before, {}, [signer, next])
      const rotation = { authorityId: "times", keyId: "k2", publicKey: next.publicKey, proof }
      expect(await fieldsOf(calls().rotateAuthorityKey(rotation))).to.deep.equal(["effective_at"])
    })

    it("is refused from a key that is revoked, compromised, or over", async () => {
      const second = newSigner()
      const { signer } = await registerSigned(sdk, "past-keys", second)
      const next = newSigner()
      const options = { signers: [signer, next] }
      const rotation = { authorityId: "past-keys", keyId: "k3", publicKey: next.publicKey }
      await sdk.rotateAuthorityKey(rotation, options)
      const before = await newestDocument(sdk, "past-keys")
      expect(await fieldsOf(rename(await followedBy(before, { name: "Late" }, [signer])))).to.deep.equal([
        "proof.signatures",
      ])
      // Dated back to where its window still was.
      const at = Number(before.proof?.signedAt?.seconds ?? 0n) * 1000 - 1_000
      expect(await fieldsOf(rename(await followedBy(before, { name: "Back" }, [second], at)))).to.deep.equal([
        "proof.signed_at",
      ])
      await sdk.revokeKey({
        authorityId: "past-keys",
        keyId: "k3",
        compromisedAt: timestampFromMs(Date.now() - 60_000),
      })
      expect(await fieldsOf(rename(await followedBy(before, { name: "Revoked" }, [next])))).to.deep.equal([
        "proof.signatures",
      ])
    })

    it("is refused if it is a replay or a fork", async () => {
      const { signer } = await registerSigned(sdk, "forked")
      const first = await newestDocument(sdk, "forked")
      const [one, two] = [
        await followedBy(first, { name: "One" }, [signer]),
        await followedBy(first, { name: "Two" }, [signer]),
      ]
      await rename(one)
      for (const late of [two, one]) {
        const { info } = await refusal(rename(late))
        expect(info?.reason).to.equal("REVISION_CONFLICT")
        expect(info?.metadata.document_hash).to.equal((await recordOf("forked"))?.documentHash)
      }
      expect((await newestDocument(sdk, "forked")).authority.name).to.equal("One")
    })

    it("by hand in the database is nobody's", async () => {
      await registerSigned(sdk, "by-hand")
      await registry.sql`
        update trust_authorities set authority_data = authority_data || '{"name": "hand"}' where authority_id = 'by-hand'`
      expect((await recordOf("by-hand"))?.proof).to.equal(AuthorityProof.UNSIGNED)
      const [, hand] = await documentsOf("by-hand")
      expect(hand?.proof).to.equal(undefined)
      expect(hand?.authority?.name).to.equal("hand")
    })
  })

  it("is read a page at a time, as of any revision", async () => {
    const { signer, record } = await registerSigned(sdk, "pages")
    for (const name of ["1", "2", "3", "4"])
      await sdk.updateAuthority({ authority: { id: "pages", name } }, { signers: [signer] })
    const names: string[] = []
    let pages = 0
    for await (const { documents } of sdk
      .listAuthorityDocuments({ authorityId: "pages", pageSize: 2 })
      .pages()) {
      pages++
      names.push(...documents.map(({ authority }) => authority?.name ?? ""))
    }
    expect([pages, names]).to.deep.equal([3, ["Authority pages", "1", "2", "3", "4"]])
    const atRevision = record?.revision ?? 0n
    const { documents } = await sdk.listAuthorityDocuments({ authorityId: "pages", atRevision }).page()
    expect(documents).to.have.lengthOf(1)
    const unknown = await refusal(calls().listAuthorityDocuments({ authorityId: "unknown" }))
    expect(unknown.info?.reason).to.equal("AUTHORITY_NOT_FOUND")
  })

  it("covers what it recognises", async () => {
    const { signer } = await registerSigned(sdk, "recognises")
    const recognised = [
      create(RecognitionSchema, {
        authorityId: "org-other",
        capabilities: ["read_*"],
        notBefore: timestampFromMs(1_000),
        notAfter: timestampFromMs(2_000),
      }),
    ]
    await sdk.updateAuthority({ authority: { id: "recognises", recognised } }, { signers: [signer] })
    const { authority, record } = await sdk.getAuthority({ authorityId: "recognises" })
    expect(authority?.recognised).to.deep.equal(recognised)
    expect(record?.proof).to.equal(AuthorityProof.SELF_SIGNED)
    const before = await newestDocument(sdk, "recognises")
    const { proof } = await followedBy(before, {}, [signer])
    const dropped = { authority: { id: "recognises" }, updateMask: { paths: ["recognised"] }, proof }
    expect(await fieldsOf(calls().updateAuthority(dropped))).to.deep.equal(["proof.signatures[0].signature"])
  })

  const [name, window] = ["read", { notBefore: timestampFromMs(2_000), notAfter: timestampFromMs(1_000) }]
  const unsound: [object, string][] = [
    [{ authorityId: "", capabilities: [name] }, "authority_id"],
    [{ authorityId: "unsound", capabilities: [name] }, "authority_id"],
    [{ authorityId: "b", capabilities: [] }, "capabilities"],
    [{ authorityId: "b", capabilities: Array.from({ length: 101 }, (_, i) => `n${i}`) }, "capabilities"],
    [{ authorityId: "b", capabilities: [""] }, "capabilities[0]"],
    [{ authorityId: "b", capabilities: ["n".repeat(513)] }, "capabilities[0]"],
    [{ authorityId: "b", capabilities: [name, name] }, "capabilities[1]"],
    [{ authorityId: "b", capabilities: [name], ...window }, "not_after"],
  ]
  it("recognises nothing that is unsound", async () => {
    for (const [recognition, field] of unsound) {
      const authority = {
        ...authorityWith("unsound", newSigner()),
        recognised: [create(RecognitionSchema, recognition)],
      }
      expect(await fieldsOf(calls().registerAuthority({ authority }))).to.deep.equal([
        `authority.recognised[0].${field}`,
      ])
    }
    const one = create(RecognitionSchema, { authorityId: "b", capabilities: [name] })
    const many = {
      ...authorityWith("unsound", newSigner()),
      recognised: Array.from({ length: 101 }, () => one),
    }
    expect(await fieldsOf(calls().registerAuthority({ authority: many }))).to.deep.equal([
      "authority.recognised",
    ])
  })
})
