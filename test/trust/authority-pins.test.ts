import { create } from "@bufbuild/protobuf"
import {
  type AuthorityAnchor,
  AuthorityType,
  CapabilityType,
  checkAuthority,
  delegate,
  establish,
  type KeySigner,
  makerOf,
  pinnedAuthorities,
  type StoredAuthority,
  type StoredTrust,
  type TrustLineageChain,
  type TrustRegistry,
  UnsignedAuthorityError,
  verifyDocuments,
  verifyTrust,
} from "@trust-registry/client"
import { AuthorityDocumentSchema, StoredAuthoritySchema } from "@trust-registry/proto"
import { expect } from "chai"
import {
  authorityWith,
  followedBy,
  newestDocument,
  newSigner,
  registerSigned,
} from "../support/authorityWord.js"
import { connectSdk } from "../support/sdk.js"
import { until } from "../support/until.js"
import { withRegistry } from "../support/withRegistry.js"

describe("a pinned authority", () => {
  const { registry } = withRegistry()
  let sdk: TrustRegistry
  before(() => {
    sdk = connectSdk(registry.address)
  })
  after(() => sdk.close())

  const keyPin = (authorityId: string, ...signers: KeySigner[]): AuthorityAnchor => ({
    authorityId,
    publicKeys: signers.map(({ publicKey }) => publicKey),
  })
  const problemOf = async (anchor: AuthorityAnchor) =>
    verifyDocuments(await sdk.authorityEvidence(anchor.authorityId), anchor).problem
  const agentOf = (authorityId: string, signer: KeySigner, agentId = `agent of ${authorityId}`) =>
    establish(
      {
        agentId,
        authorityId,
        authorityType: AuthorityType.ORGANIZATION,
        capabilities: [{ capability: "read_data", capabilityType: CapabilityType.ACCESS }],
      },
      makerOf(signer),
    )
  /** Asks both questions offline, about chains and evidence that the registry gave. */
  const ask = async (
    chains: TrustLineageChain[],
    evidence: StoredAuthority[],
    anchors: AuthorityAnchor[],
  ) => {
    const agentId = chains.at(-1)?.genesis?.agentId ?? ""
    const stored = new Map(
      chains.map((chain): [string, StoredTrust] => [chain.genesis?.agentId ?? "", { chain, active: true }]),
    )
    const input = {
      request: { agentId, action: "read_data", level: "full" as const },
      nowMicros: BigInt(Date.now() + 1_000) * 1000n,
      chains: stored,
      authorities: pinnedAuthorities(evidence, anchors),
    }
    const [trust, authority] = [await verifyTrust(input), await checkAuthority(input)]
    expect(trust.valid).to.equal(authority.authorized)
    expect(trust.reason).to.equal(authority.reason)
    return authority
  }
  const rotate = async (authorityId: string, keyId: string, next: KeySigner, signers: KeySigner[] = []) =>
    await sdk.rotateAuthorityKey({ authorityId, keyId, publicKey: next.publicKey }, { signers, adopt: true })

  it("is believed from the pin to its newest key", async () => {
    const { signer, record } = await registerSigned(sdk, "sound")
    const [second, third] = [newSigner(), newSigner()]
    await rotate("sound", "k2", second, [signer, second])
    await rotate("sound", "k3", third, [second, third])
    const chain = await agentOf("sound", third)
    const evidence = [await sdk.authorityEvidence("sound")]
    for (const anchor of [
      keyPin("sound", signer),
      keyPin("sound", second),
      keyPin("sound", newSigner(), third),
      { authorityId: "sound", documentHash: record?.documentHash ?? "" },
      { authorityId: "sound", documentHash: evidence[0]?.record?.documentHash ?? "" },
    ])
      expect((await ask([chain], evidence, [anchor])).authorized).to.equal(true)
  })

  it("denies a key that an administrator added with an unsigned change", async () => {
    const { signer } = await registerSigned(sdk, "unsigned")
    const evil = newSigner()
    await rotate("unsigned", "evil", evil)
    const evidence = [await sdk.authorityEvidence("unsigned")]
    const chain = await agentOf("unsigned", evil)
    const denied = await ask([chain], evidence, [keyPin("unsigned", signer)])
    expect(denied).to.include({
      authorized: false,
      reason: "AUTHORITY_UNSIGNED",
      cause: "AUTHORITY_UNSIGNED",
    })
    expect(denied.explanation).to.match(/"unsigned".*document 2 .*nobody signed/)
    expect(denied.remedy).to.match(/pin/)
  })

  it("denies a key that the operator added in the database, in the document alone or with a forged past", async () => {
    const { signer } = await registerSigned(sdk, "operator")
    const evil = newSigner()
    const pin = keyPin("operator", signer)
    const key = JSON.stringify([{ key_id: "evil", public_key: evil.publicKey }])
    await registry.sql`
      update trust_authorities set authority_data = jsonb_set(authority_data, '{keys}', authority_data -> 'keys' || ${key}::text::jsonb)
      where authority_id = 'operator'`
    expect(await problemOf(pin)).to.match(/document 2 .*nobody signed/)
    // The first document's own proof again, and every mark that the operator can set.
    await registry.sql`
      update trust_authorities set self_signed = true, document_proof = (
        select document_proof from trust_authority_revisions where authority_id = 'operator' order by revision limit 1)
      where authority_id = 'operator'`
    expect(await problemOf(pin)).to.match(/document 2 /)
    await registry.sql`
      delete from trust_authority_revisions where authority_id = 'operator' and revision < (
        select revision from trust_authorities where authority_id = 'operator')`
    expect(await problemOf(pin)).to.match(/signed by a pinned key/)
    await registry.sql`
      update trust_authority_revisions set is_document = false where authority_id = 'operator'`
    const evidence = await sdk.authorityEvidence("operator").catch(() => undefined)
    expect(evidence).to.equal(undefined)
  })

  it("denies what the operator signs with a key that it added itself", async () => {
    const { signer } = await registerSigned(sdk, "own-chain")
    const evil = newSigner()
    const stored = await sdk.authorityEvidence("own-chain")
    const first = await newestDocument(sdk, "own-chain")
    const keys = [...first.authority.keys, { keyId: "evil", publicKey: evil.publicKey }] as never
    const forged = await followedBy(first, { keys }, [evil])
    const also = { ...forged.authority, keys: [{ keyId: "evil", publicKey: evil.publicKey }] as never }
    const alone = await followedBy({ ...first, authority: also }, {}, [evil])
    for (const { authority, proof } of [forged, alone]) {
      const documents = [...stored.documents, create(AuthorityDocumentSchema, { authority, proof })]
      const evidence = create(StoredAuthoritySchema, { ...stored, authority, documents })
      const found = verifyDocuments(evidence, keyPin("own-chain", signer))
      expect(found.problem).to.match(/document 2 .*(in force|that of the document before)/)
      const answer = await ask([await agentOf("own-chain", evil)], [evidence], [keyPin("own-chain", signer)])
      expect(answer.reason).to.equal("AUTHORITY_UNSIGNED")
    }
  })

  it("denies a fork, a document that is left out, and documents of another authority", async () => {
    const { signer, record } = await registerSigned(sdk, "orders")
    for (const name of ["two", "three"])
      await sdk.updateAuthority({ authority: { id: "orders", name } }, { signers: [signer] })
    const evidence = await sdk.authorityEvidence("orders")
    const [first, second, third] = evidence.documents
    if (!first?.authority || !second || !third) throw new Error("no documents")
    const fork = await followedBy({ authority: first.authority, proof: first.proof }, { name: "fork" }, [
      signer,
    ])
    const forked = create(AuthorityDocumentSchema, fork)
    const anchor = keyPin("orders", signer)
    const problem = (documents: (typeof first)[], authority = documents.at(-1)?.authority, pin = anchor) =>
      verifyDocuments({ ...evidence, documents, authority } as StoredAuthority, pin).problem
    expect(problem([first, second, third])).to.equal(undefined)
    expect(problem([first, second, forked])).to.match(/document 3 .*previous_hash/)
    expect(problem([first, third])).to.match(/document 2 .*previous_hash/)
    expect(problem([first, second], third.authority)).to.match(/not what its newest document says/)
    expect(problem([])).to.match(/no documents/)
    // Whoever pinned a later document sees that an older past is shown.
    const pin = { authorityId: "orders", documentHash: third.hash }
    expect(problem([first, second], second.authority, pin)).to.match(/pinned hash/)
    expect(problem([first, forked], forked.authority, pin)).to.match(/pinned hash/)
    expect(record?.documentHash).to.equal(first.hash)
    expect(problem([first, second, third], third.authority, keyPin("other", signer))).to.match(
      /all those of "other"/,
    )
  })

  it("denies what a key signed after it was compromised, whoever stored it", async () => {
    const { signer } = await registerSigned(sdk, "stolen")
    const thief = newSigner()
    const before = BigInt(Date.now() - 60_000)
    await rotate("stolen", "k2", thief, [signer, thief])
    const anchor = {
      authorityId: "stolen",
      documentHash: (await sdk.authorityEvidence("stolen")).documents[0]?.hash ?? "",
    }
    expect(await problemOf(anchor)).to.equal(undefined)
    const compromisedAt = { seconds: before / 1000n, nanos: 0 }
    await sdk.revokeKey({ authorityId: "stolen", keyId: "k1", compromisedAt })
    expect(await problemOf(anchor)).to.match(/document 2 .*in force/)
  })

  it("goes on after a key that signed was revoked, if its compromise is later", async () => {
    const { signer } = await registerSigned(sdk, "retired")
    const next = newSigner()
    await rotate("retired", "k2", next, [signer, next])
    const { documents } = await sdk.authorityEvidence("retired")
    const stored = documents.at(-1)?.storedAt
    if (!stored) throw new Error("not stored")
    const compromisedAt = { seconds: stored.seconds, nanos: stored.nanos + 1000 }
    // The server's reading of the database's clock is late by what the answer of its last probe took.
    await until("the server's clock is past that", () =>
      sdk.revokeKey({ authorityId: "retired", keyId: "k1", compromisedAt }).then(
        () => true,
        () => false,
      ),
    )
    expect(await problemOf(keyPin("retired", signer))).to.equal(undefined)
  })

  it("is denied if it has no pin while another has one, also above a delegation", async () => {
    const { signer: one } = await registerSigned(sdk, "pinned")
    const { signer: two } = await registerSigned(sdk, "not-pinned")
    const evidence = [await sdk.authorityEvidence("pinned"), await sdk.authorityEvidence("not-pinned")]
    const delegator = await agentOf("not-pinned", two, "delegator")
    const known = {
      chains: new Map([["delegator", { chain: delegator, active: true }]]),
      authorities: pinnedAuthorities(evidence, [keyPin("pinned", one), keyPin("not-pinned", two)]),
    }
    const delegation = {
      delegatorId: "delegator",
      delegateeId: "delegatee",
      taskId: "task-1",
      capabilities: ["read_data"],
    }
    const delegatee = await delegate(delegation, known, makerOf(two), two)
    const both = [keyPin("pinned", one), keyPin("not-pinned", two)]
    expect((await ask([delegator, delegatee], evidence, both)).authorized).to.equal(true)
    const denied = await ask([delegator, delegatee], evidence, [keyPin("pinned", one)])
    expect(denied.reason).to.equal("AUTHORITY_UNSIGNED")
    expect(denied.explanation).to.match(/"not-pinned".*no key or hash of it is pinned/)
  })

  it("is not signed over what somebody slipped in, unless its owner adopts it", async () => {
    const { signer } = await registerSigned(sdk, "slipped")
    await rotate("slipped", "evil", newSigner())
    const request = { authority: { id: "slipped", name: "Renamed" } }
    const error = await sdk.updateAuthority(request, { signers: [signer] }).catch((error: unknown) => error)
    expect(error).to.be.instanceOf(UnsignedAuthorityError)
    expect(String(error)).to.match(/document 2 .*nobody signed.*adopt/)
    expect((await sdk.getAuthority({ authorityId: "slipped" })).authority?.name).to.equal("Authority slipped")
  })

  it("that was registered unsigned is believed from a document on that is pinned by its hash", async () => {
    const signer = newSigner()
    await sdk.registerAuthority({ authority: authorityWith("adopted", signer) })
    const options = { signers: [signer], adopt: true }
    const { record } = await sdk.updateAuthority({ authority: { id: "adopted", name: "Adopted" } }, options)
    await sdk.updateAuthority({ authority: { id: "adopted", name: "Again" } }, { signers: [signer] })
    expect(await problemOf({ authorityId: "adopted", documentHash: record?.documentHash ?? "" })).to.equal(
      undefined,
    )
    expect(await problemOf(keyPin("adopted", signer))).to.equal(undefined)
    expect(await problemOf({ authorityId: "adopted", documentHash: "0".repeat(64) })).to.match(/pinned hash/)
  })
})
