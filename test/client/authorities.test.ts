import {
  AuthorityExistsError,
  AuthorityInvalidError,
  AuthorityNotFoundError,
  AuthorityPermission,
  AuthorityType,
  RevisionConflictError,
  TrustChainNotFoundError,
  type TrustRegistry,
  TrustStoreError,
} from "@trust-registry/client"
import { generateKeyPair } from "@trust-registry/eatp"
import { AuthorityService } from "@trust-registry/proto"
import { expect } from "chai"
import { serviceConfig } from "../../client/retry.js"
import { SERVICES } from "../../client/services.js"
import { connectSdk } from "../support/sdk.js"
import { startRegistry, type TestRegistry } from "../support/server.js"

describe("the client's authority methods", () => {
  let server: TestRegistry
  let registry: TrustRegistry

  before(async () => {
    server = await startRegistry({ logLevel: "error" })
    registry = connectSdk(server.address)
  })
  after(async () => {
    registry.close()
    await server.stop()
  })

  const authority = (id: string) => ({
    id,
    name: id,
    authorityType: AuthorityType.ORGANIZATION,
    keys: [{ keyId: "k1", publicKey: generateKeyPair().publicKey }],
  })
  const failure = (call: Promise<unknown>) => call.catch((error: unknown) => error)

  it("cover every RPC, and work together", async () => {
    for (const { localName } of AuthorityService.methods)
      expect(registry).to.have.property(localName).that.is.a("function")
    const { record } = await registry.registerAuthority({ authority: authority("acme") })
    const updated = await registry.updateAuthority({
      authority: { id: "acme", name: "Acme", permissions: [AuthorityPermission.CREATE_AGENTS] },
      updateMask: { paths: ["name", "permissions"] },
      expectedRevision: record?.revision ?? 0n,
    })
    const { publicKey } = generateKeyPair()
    const rotated = await registry.rotateAuthorityKey({ authorityId: "acme", keyId: "k2", publicKey })
    expect((rotated.record?.revision ?? 0n) > (updated.record?.revision ?? 0n)).to.equal(true)
    const answer = await registry.getAuthority({ authorityId: "acme" })
    expect(answer.authority).to.deep.equal(rotated.authority)
    expect(answer.authority).to.deep.include({
      name: "Acme",
      authorityType: AuthorityType.ORGANIZATION,
      permissions: [AuthorityPermission.CREATE_AGENTS],
    })
    const gone = await registry.deactivateAuthority({ authorityId: "acme" })
    expect(gone.record?.isActive).to.equal(false)
  })

  it("list all pages, page by page, or one page", async () => {
    const ids = Array.from({ length: 7 }, (_, i) => `listed-${i}`)
    await Promise.all(ids.map((id) => registry.registerAuthority({ authority: authority(id) })))
    const all: string[] = []
    for await (const listed of registry.listAuthorities({ pageSize: 3 })) all.push(listed.authority?.id ?? "")
    expect(all).to.deep.equal(ids)
    const sizes: number[] = []
    for await (const page of registry.listAuthorities({ pageSize: 3 }).pages())
      sizes.push(page.authorities.length)
    expect(sizes).to.deep.equal([3, 3, 1])
    expect((await registry.listAuthorities({ pageSize: 2 }).page()).authorities).to.have.lengthOf(2)
    expect((await registry.listAuthorities({ includeInactive: true }).page()).authorities).to.have.lengthOf(8)
    await server.sql`
      update trust_authorities set authority_data = authority_data || '{"bogus": 1}'
      where authority_id = 'listed-3'`
    const torn: unknown[] = []
    for await (const { authority, record, unreadable } of registry.listAuthorities()) {
      expect(unreadable).to.equal(!authority)
      if (unreadable) torn.push(record?.authorityId)
    }
    expect(torn).to.deep.equal(["listed-3"])
  })

  it("throw typed errors with their details", async () => {
    const missing = await failure(registry.getAuthority({ authorityId: "nobody" }))
    expect(missing).to.be.instanceOf(AuthorityNotFoundError).and.include({
      authorityId: "nobody",
      agentId: undefined,
      reason: "AUTHORITY_NOT_FOUND",
      method: "trustregistry.v1.AuthorityService.GetAuthority",
    })
    const { record } = await registry.registerAuthority({ authority: authority("there") })
    const exists = await failure(registry.registerAuthority({ authority: authority("there") }))
    expect(exists).to.be.instanceOf(AuthorityExistsError)
    expect((exists as AuthorityExistsError).revision).to.equal(record?.revision)
    const invalid = await failure(registry.registerAuthority({ authority: { ...authority("x"), keys: [] } }))
    expect(invalid).to.be.instanceOf(AuthorityInvalidError)
    expect((invalid as AuthorityInvalidError).violations[0]?.field).to.equal("authority.keys")
    const late = await failure(registry.deactivateAuthority({ authorityId: "there", expectedRevision: 1n }))
    expect(late).to.be.instanceOf(RevisionConflictError).and.include({ authorityId: "there" })
    const chain = await failure(registry.getChain({ agentId: "nobody" }))
    expect(chain).to.be.instanceOf(TrustChainNotFoundError).and.include({
      agentId: "nobody",
      authorityId: undefined,
    })
    const halved = await failure(registry.registerAuthority({ authority: authority("\ud800") }))
    expect(halved).to.be.instanceOf(AuthorityInvalidError)
    expect((halved as AuthorityInvalidError).violations[0]?.field).to.equal("authority.id")
    expect(missing).to.be.instanceOf(TrustStoreError)
  })

  it("apply all of many concurrent changes to one authority", async () => {
    await registry.registerAuthority({ authority: authority("busy") })
    const keyIds = Array.from({ length: 20 }, (_, i) => `new-${i}`)
    await Promise.all(
      keyIds.map((keyId) => {
        const { publicKey } = generateKeyPair()
        return registry.rotateAuthorityKey({ authorityId: "busy", keyId, publicKey })
      }),
    )
    const { authority: now } = await registry.getAuthority({ authorityId: "busy" })
    expect(now?.keys.map(({ keyId }) => keyId)).to.have.members(["k1", ...keyIds])
  })

  it("retry calls of every service, and apply each once", () => {
    const names = (serviceConfig(...SERVICES).methodConfig ?? []).flatMap(({ name }) => name)
    expect(names).to.deep.include.members(
      AuthorityService.methods.map(({ name }) => ({ service: AuthorityService.typeName, method: name })),
    )
    const functions = SERVICES.flatMap(({ methods }) => methods.map(({ localName }) => localName))
    expect(new Set(functions).size).to.equal(functions.length)
  })
})
