import { randomUUID } from "node:crypto"
import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import * as grpc from "@grpc/grpc-js"
import { generateKeyPair } from "@trust-registry/eatp"
import {
  AuthorityPermission,
  AuthoritySchema,
  AuthorityService,
  AuthorityType,
  type RotateAuthorityKeyRequestSchema,
  TrustStoreService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { readAuthority, writeAuthority } from "../../server/dist/store/authorities/authorities.js"
import { migrate } from "../../server/dist/store/database/migrate.js"
import { openPool } from "../../server/dist/store/database/sql.js"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { freshDatabase } from "../support/postgres.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry } from "../support/server.js"
import { withRegistry } from "../support/withRegistry.js"

type Init = Exclude<MessageInitShape<typeof AuthoritySchema>, { $typeName: string }>

const at = (seconds: number) => ({ seconds: BigInt(seconds), nanos: 0 })
const IDENTITY_KEY = Buffer.from([1, ...new Uint8Array(31)]).toString("base64")

/** A sound authority of one key that is open at both ends, which may be named as parent. */
function authority(id: string, changes: Init = {}) {
  return {
    id,
    name: `Authority ${id}`,
    authorityType: AuthorityType.ORGANIZATION,
    keys: [{ keyId: "k1", publicKey: generateKeyPair().publicKey }],
    permissions: [AuthorityPermission.CREATE_SUBORDINATE_AUTHORITIES],
    ...changes,
  }
}

describe("authorities", () => {
  const { registry, line: here } = withRegistry()

  const calls = () => here.calls(AuthorityService)
  const register = (id: string, changes: Init = {}) =>
    calls().registerAuthority({ authority: authority(id, changes) })
  const keysOf = async (id: string) =>
    (await calls().getAuthority({ authorityId: id })).stored?.authority?.keys ?? []
  const historyOf = (id: string) =>
    registry.sql`select * from trust_authority_revisions where authority_id = ${id} order by revision`

  /** The details of a call that must fail. */
  const refusal = async (call: Promise<unknown>) => detailsOf(await failureOf(call))
  const refusalsOf = (refused: Promise<unknown>[]) => Promise.all(refused.map(refusal))

  describe("register", () => {
    it("returns what was registered, and a record", async () => {
      await register("acme")
      const given = authority("acme-billing", {
        authorityType: AuthorityType.SYSTEM,
        keys: [
          { keyId: "old", publicKey: generateKeyPair().publicKey, notAfter: at(2_000_000_000) },
          {
            keyId: "new",
            publicKey: generateKeyPair().publicKey,
            notBefore: { seconds: 1_900_000_000n, nanos: 123_456_789 },
          },
        ],
        permissions: [AuthorityPermission.GRANT_CAPABILITIES, AuthorityPermission.CREATE_AGENTS],
        parentAuthorityId: "acme",
        metadataJson: '{"b": 1.0, "a": 1e16}',
      })
      const { record } = await calls().registerAuthority({ authority: given })
      const answer = await calls().getAuthority({ authorityId: "acme-billing" })
      expect(answer.stored?.authority).to.deep.equal(create(AuthoritySchema, given))
      expect(answer.stored?.record).to.deep.equal(record)
      expect(answer.stored?.unreadable).to.equal(false)
      expect(record).to.include({ authorityId: "acme-billing", isActive: true, updatedBy: "peer:127.0.0.1" })
      expect(record?.createdAt).to.deep.equal(record?.updatedAt)
      expect((record?.revision ?? 0n) > 0n).to.equal(true)
    })

    it("refuses an id that is registered, active or not", async () => {
      const { record } = await register("twice")
      const first = await refusal(register("twice"))
      expect(first.status.code).to.equal(grpc.status.ALREADY_EXISTS)
      expect(first.info).to.include({ reason: "AUTHORITY_EXISTS", domain: "trustregistry" })
      expect(first.info?.metadata).to.deep.equal({ revision: `${record?.revision}` })
      expect(first.resource).to.include({
        resourceType: "trustregistry.v1.Authority",
        resourceName: "twice",
      })
      await calls().deactivateAuthority({ authorityId: "twice" })
      const second = await failureOf(register("twice"))
      expect(second.details).to.match(/inactive/)
      expect(detailsOf(second).info?.reason).to.equal("AUTHORITY_EXISTS")
    })

    const key = { keyId: "k1", publicKey: generateKeyPair().publicKey }
    const other = { keyId: "k2", publicKey: generateKeyPair().publicKey }
    const refused: [title: string, change: Init, field: string, says: RegExp][] = [
      ["an empty id", { id: "" }, "authority.id", /empty/],
      ["an id of 513 bytes", { id: "é".repeat(256).concat("x") }, "authority.id", /512/],
      ["U+0000 in an id", { id: "a\0b" }, "authority.id", /U\+0000/],
      ["an empty name", { name: "" }, "authority.name", /empty/],
      ["a name of 513 bytes", { name: "n".repeat(513) }, "authority.name", /512/],
      ["U+0000 in a name", { name: "a\0b" }, "authority.name", /U\+0000/],
      ["no type", { authorityType: 0 }, "authority.authority_type", /organization, system, human/],
      ["an unknown type", { authorityType: 9 as AuthorityType }, "authority.authority_type", /not 9/],
      ["no key", { keys: [] }, "authority.keys", /at least one key/],
      ["65 keys", { keys: Array.from({ length: 65 }, () => key) }, "authority.keys", /64/],
      ["an empty key_id", { keys: [{ ...key, keyId: "" }] }, "authority.keys[0].key_id", /empty/],
      [
        "a repeated key_id",
        { keys: [key, { ...other, keyId: "k1" }] },
        "authority.keys[1].key_id",
        /keys\[0\]/,
      ],
      [
        "a key with two ids",
        { keys: [key, { ...key, keyId: "k2" }] },
        "authority.keys[1].public_key",
        /keys\[0\]/,
      ],
      ["no public key", { keys: [{ keyId: "k1" }] }, "authority.keys[0].public_key", /base64/],
      [
        "a public key of 31 bytes",
        { keys: [{ ...key, publicKey: Buffer.alloc(31, 7).toString("base64") }] },
        "authority.keys[0].public_key",
        /32 bytes/,
      ],
      [
        "base64 without padding",
        { keys: [{ ...key, publicKey: key.publicKey.replace("=", "") }] },
        "authority.keys[0].public_key",
        /canonical base64/,
      ],
      [
        "a key of small order",
        { keys: [{ ...key, publicKey: IDENTITY_KEY }] },
        "authority.keys[0].public_key",
        /small order/,
      ],
      [
        "a window that ends before it begins",
        { keys: [{ ...key, notBefore: at(2), notAfter: at(1) }] },
        "authority.keys[0].not_after",
        /before not_before/,
      ],
      [
        "a window that begins in the year 10000",
        { keys: [{ ...key, notBefore: at(253_402_300_800) }] },
        "authority.keys[0].not_before",
        /9999/,
      ],
      [
        "an unknown permission",
        { permissions: [7 as AuthorityPermission] },
        "authority.permissions[0]",
        /not 7/,
      ],
      ["the permission UNSPECIFIED", { permissions: [0] }, "authority.permissions[0]", /unspecified/],
      ["a repeated permission", { permissions: [2, 1, 2] }, "authority.permissions[2]", /permissions\[0\]/],
      ["itself as the parent", { parentAuthorityId: "bad" }, "authority.parent_authority_id", /itself/],
      ["an empty parent", { parentAuthorityId: "" }, "authority.parent_authority_id", /empty/],
      ["metadata that is not JSON", { metadataJson: "{a:1}" }, "authority.metadata_json", /JSON/],
      ["metadata that repeats a key", { metadataJson: '{"a":1,"a":2}' }, "authority.metadata_json", /"a"/],
      ["metadata that is not an object", { metadataJson: "[]" }, "authority.metadata_json", /object/],
      ["more than 64 KiB", { metadataJson: `{"a":"${"x".repeat(65_536)}"}` }, "authority", /65536/],
    ]
    for (const [title, change, field, says] of refused)
      it(`refuses ${title}`, async () => {
        const { status, info, badRequest } = await refusal(register("bad", change))
        expect(status.code).to.equal(grpc.status.INVALID_ARGUMENT)
        expect(info?.reason).to.equal("AUTHORITY_INVALID")
        const found = badRequest?.fieldViolations.find((violation) => violation.field === field)
        expect(found?.description, JSON.stringify(badRequest?.fieldViolations)).to.match(says)
        expect(await historyOf("bad")).to.have.lengthOf(0)
      })

    it("refuses a missing authority, an unknown field in it, and a request_id that is not a UUID", async () => {
      const missing = await refusal(calls().registerAuthority({}))
      expect(missing.badRequest?.fieldViolations[0]).to.include({ field: "authority" })
      const unknown = { no: 99, wireType: WireType.Varint, data: new BinaryWriter().uint32(1).finish() }
      const strange = Object.assign(
        create(AuthorityService.method.registerAuthority.input, { authority: authority("bad") }),
      )
      if (strange.authority) strange.authority.$unknown = [unknown]
      const inside = await refusal(calls().registerAuthority(strange))
      expect(inside.info?.reason).to.equal("AUTHORITY_INVALID")
      expect(inside.badRequest?.fieldViolations[0]?.description).to.match(/99/)
      const id = await refusal(
        calls().registerAuthority({ authority: authority("bad"), requestId: "no uuid" }),
      )
      expect(id.info?.reason).to.equal("INVALID_REQUEST")
      expect(id.badRequest?.fieldViolations[0]?.field).to.equal("request_id")
    })

    it("refuses a parent that is not registered, and names it", async () => {
      const { status, info, resource, badRequest } = await refusal(
        register("orphan", { parentAuthorityId: "nobody" }),
      )
      expect(status.code).to.equal(grpc.status.NOT_FOUND)
      expect(info?.reason).to.equal("AUTHORITY_NOT_FOUND")
      expect(resource?.resourceName).to.equal("nobody")
      expect(badRequest?.fieldViolations[0]?.field).to.equal("authority.parent_authority_id")
    })
  })

  describe("get and list", () => {
    it("return AUTHORITY_NOT_FOUND, and INVALID_REQUEST for an invalid id", async () => {
      const missing = await refusal(calls().getAuthority({ authorityId: "nobody" }))
      expect(missing.status.code).to.equal(grpc.status.NOT_FOUND)
      expect(missing.info?.reason).to.equal("AUTHORITY_NOT_FOUND")
      expect(missing.resource?.resourceName).to.equal("nobody")
      const empty = await refusal(calls().getAuthority({}))
      expect(empty.info?.reason).to.equal("INVALID_REQUEST")
      expect(empty.badRequest?.fieldViolations[0]?.field).to.equal("authority_id")
    })

    it("return each authority on one page, in byte order, inactive ones only on request", async () => {
      const own = await startRegistry()
      const there = connectTo(own.address)
      const { registerAuthority, listAuthorities, deactivateAuthority } = there.calls(AuthorityService)
      for (const id of ["b", "B", "é", "a-2", "a", "😀", "\uffee"])
        await registerAuthority({ authority: authority(id) })
      await deactivateAuthority({ authorityId: "a-2" })
      const idsOf = async (request: { includeInactive?: boolean }) => {
        const ids: string[] = []
        for (let pageToken = ""; ; ) {
          const page = await listAuthorities({ ...request, pageSize: 2, pageToken })
          ids.push(...page.authorities.map((listed) => listed.authority?.id ?? ""))
          expect(page.authorities.length).to.be.at.most(2)
          pageToken = page.nextPageToken
          if (pageToken === "") return ids
        }
      }
      expect(await idsOf({})).to.deep.equal(["B", "a", "b", "é", "\uffee", "😀"])
      expect(await idsOf({ includeInactive: true })).to.deep.equal([
        "B",
        "a",
        "a-2",
        "b",
        "é",
        "\uffee",
        "😀",
      ])

      const { nextPageToken: pageToken } = await listAuthorities({ pageSize: 1 })
      const wrong = [
        [{ pageToken, includeInactive: true }, "page_token"],
        [{ pageToken: `${pageToken}x` }, "page_token"],
        [{ pageSize: -1 }, "page_size"],
      ] as const
      for (const [request, field] of wrong) {
        const { info, badRequest } = await refusal(listAuthorities(request))
        expect(info?.reason).to.equal("INVALID_REQUEST")
        expect(badRequest?.fieldViolations[0]?.field).to.equal(field)
      }
      there.close()
      await own.stop()
    })

    it("end a page at 3 MiB", async () => {
      const own = await startRegistry()
      const there = connectTo(own.address)
      const { registerAuthority, listAuthorities } = there.calls(AuthorityService)
      const metadataJson = `{"a":"${"x".repeat(60_000)}"}`
      for (let i = 0; i < 60; i++)
        await registerAuthority({ authority: authority(`large-${i}`, { metadataJson }) })
      const first = await listAuthorities({})
      expect(first.authorities.length).to.be.within(40, 55)
      const second = await listAuthorities({ pageToken: first.nextPageToken })
      expect(first.authorities.length + second.authorities.length).to.equal(60)
      there.close()
      await own.stop()
    })

    it("report a row that does not parse, which fails only that authority", async () => {
      await register("corrupt")
      await registry.sql`
        update trust_authorities set authority_data = authority_data || '{"bogus": 1}' where authority_id = 'corrupt'`
      for (const details of await refusalsOf([
        calls().getAuthority({ authorityId: "corrupt" }),
        calls().rotateAuthorityKey({
          authorityId: "corrupt",
          keyId: "k2",
          publicKey: generateKeyPair().publicKey,
        }),
      ])) {
        const { status, info, resource } = details
        expect(status.code).to.equal(grpc.status.DATA_LOSS)
        expect(info?.reason).to.equal("AUTHORITY_CORRUPT")
        expect(resource?.resourceName).to.equal("corrupt")
      }
      const page = await calls().listAuthorities({ pageSize: 1_000 })
      const torn = page.authorities.filter(({ unreadable }) => unreadable)
      expect(torn.map(({ record, authority }) => [record?.authorityId, authority])).to.deep.equal([
        ["corrupt", undefined],
      ])
      expect(page.authorities.filter(({ authority }) => authority).length).to.be.greaterThan(0)
      const { record } = await calls().deactivateAuthority({ authorityId: "corrupt" })
      expect(record?.isActive).to.equal(false)
    })
  })

  describe("update", () => {
    /** Replaces all but id and keys: what `changes` leaves out is cleared. */
    const update = (id: string, changes: Init) =>
      calls().updateAuthority({
        authority: { id, name: "new name", authorityType: AuthorityType.HUMAN, ...changes },
        updateMask: {
          paths: ["name", "authority_type", "permissions", "parent_authority_id", "metadata_json"],
        },
      })

    it("replaces all but id and keys, and keeps an inactive authority inactive", async () => {
      const before = await register("renamed", { permissions: [1, 2], metadataJson: '{"a":1}' })
      const keys = await keysOf("renamed")
      await calls().deactivateAuthority({ authorityId: "renamed" })
      const { record } = await update("renamed", { permissions: [AuthorityPermission.DELEGATE_TRUST] })
      const after = await calls().getAuthority({ authorityId: "renamed" })
      const { authority: now } = after.stored ?? {}
      expect(now).to.deep.include({ id: "renamed", name: "new name", authorityType: 3, keys })
      expect(now?.permissions).to.deep.equal([AuthorityPermission.DELEGATE_TRUST])
      expect(now?.metadataJson).to.equal(undefined)
      expect(after.stored?.record).to.deep.equal(record)
      expect(record?.isActive).to.equal(false)
      expect(record?.createdAt).to.deep.equal(before.record?.createdAt)
    })

    it("names the request's own fields in refusals", async () => {
      await register("steady")
      const refused = [
        [{ name: "" }, "authority.name"],
        [{ authorityType: 0 }, "authority.authority_type"],
        [{ permissions: [1, 1] }, "authority.permissions[1]"],
        [{ parentAuthorityId: "steady" }, "authority.parent_authority_id"],
        [{ metadataJson: "1" }, "authority.metadata_json"],
        [{ metadataJson: `{"a":"${"x".repeat(65_536)}"}` }, "authority"],
      ] as const
      for (const [change, field] of refused) {
        const { info, badRequest } = await refusal(update("steady", change as object))
        expect(info?.reason).to.equal("AUTHORITY_INVALID")
        expect(badRequest?.fieldViolations.map((violation) => violation.field)).to.include(field)
      }
      expect(await historyOf("steady")).to.have.lengthOf(1)
    })

    it("refuses an unregistered authority, an unregistered parent, and a cycle of parents", async () => {
      const missing = await refusal(update("nobody", {}))
      expect(missing.info?.reason).to.equal("AUTHORITY_NOT_FOUND")
      await register("top")
      await register("middle", { parentAuthorityId: "top" })
      await register("bottom", { parentAuthorityId: "middle" })
      const orphan = await refusal(update("top", { parentAuthorityId: "nobody" }))
      expect(orphan.info?.reason).to.equal("AUTHORITY_NOT_FOUND")
      expect(orphan.resource?.resourceName).to.equal("nobody")
      const circle = await refusal(update("top", { parentAuthorityId: "bottom" }))
      expect(circle.info?.reason).to.equal("AUTHORITY_INVALID")
      expect(circle.badRequest?.fieldViolations[0]?.field).to.equal("authority.parent_authority_id")
    })

    const PATHS = ["name", "authority_type", "permissions", "parent_authority_id", "metadata_json"]
    const whole: Init = {
      name: "before",
      authorityType: AuthorityType.SYSTEM,
      permissions: [AuthorityPermission.CREATE_AGENTS],
      parentAuthorityId: "mask-parent",
      metadataJson: '{"a": 1.0}',
    }
    /** Registers one with every field, changes it, and gives what it is then without its keys. */
    const masked = async (id: string, authority: Init, paths?: string[]) => {
      await register(id, whole)
      const updateMask = paths === undefined ? {} : { updateMask: { paths } }
      await calls().updateAuthority({ authority: { id, ...authority }, ...updateMask })
      const { authority: now } = (await calls().getAuthority({ authorityId: id })).stored ?? {}
      if (!now) throw new Error("the answer has no authority")
      return Object.assign(now, { id: "", keys: [] })
    }
    const expected = (changes: Init) => create(AuthoritySchema, { ...whole, ...changes })

    it("changes only what the mask names, and clears masked fields that are empty", async () => {
      await register("mask-parent")
      const changes: Init = {
        name: "after",
        authorityType: AuthorityType.HUMAN,
        permissions: [AuthorityPermission.DELEGATE_TRUST],
        parentAuthorityId: "mask-other",
        metadataJson: '{"b": 2}',
      }
      await register("mask-other")
      const fields = ["name", "authorityType", "permissions", "parentAuthorityId", "metadataJson"] as const
      for (const [index, path] of PATHS.entries()) {
        const field = fields[index] as (typeof fields)[number]
        const now = await masked(`mask-one-${index}`, changes, [path])
        expect(now, path).to.deep.equal(expected({ [field]: changes[field] }))
      }
      const both = await masked("mask-both", changes, ["metadata_json", "name", "name"])
      expect(both).to.deep.equal(expected({ name: "after", metadataJson: '{"b": 2}' }))
      expect(await masked("mask-all", changes, PATHS)).to.deep.equal(expected(changes))
      const cleared = await masked("mask-clear", {}, ["permissions", "parent_authority_id", "metadata_json"])
      const { parentAuthorityId: _, metadataJson: __, ...rest } = whole
      expect(cleared).to.deep.equal(create(AuthoritySchema, { ...rest, permissions: [] }))
    })

    it("changes every set field if there is no mask, and clears none", async () => {
      await masked("mask-none", { name: "after" }).then((now) =>
        expect(now).to.deep.equal(expected({ name: "after" })),
      )
      const now = await masked("mask-empty", { permissions: [1, 2], metadataJson: "{}" }, [])
      expect(now).to.deep.equal(expected({ permissions: [1, 2], metadataJson: "{}" }))
    })

    it("refuses to clear required fields", async () => {
      await register("mask-must", whole)
      for (const [path, field] of [
        ["name", "authority.name"],
        ["authority_type", "authority.authority_type"],
      ] as const) {
        const { info, badRequest } = await refusal(
          calls().updateAuthority({ authority: { id: "mask-must" }, updateMask: { paths: [path] } }),
        )
        expect(info?.reason).to.equal("AUTHORITY_INVALID")
        expect(badRequest?.fieldViolations.map((violation) => violation.field)).to.deep.equal([field])
      }
      expect(await historyOf("mask-must")).to.have.lengthOf(1)
    })

    it("refuses masks with immutable or unknown fields, and an authority with keys", async () => {
      await register("mask-firm", whole)
      const authority = { id: "mask-firm", name: "x" }
      const wrong: [Parameters<ReturnType<typeof calls>["updateAuthority"]>[0], string][] = [
        [{}, "authority"],
        [{ authority: { name: "x" } }, "authority.id"],
        [{ authority: { id: "mask-firm" } }, "update_mask"],
        [{ authority: { id: "mask-firm" }, updateMask: { paths: [] } }, "update_mask"],
        ...["id", "keys", "*", "", "color", "Name", "parentAuthorityId", "name.x", "keys.key_id"].map(
          (path): [Parameters<ReturnType<typeof calls>["updateAuthority"]>[0], string] => [
            { authority, updateMask: { paths: ["name", path] } },
            "update_mask",
          ],
        ),
        [
          { authority: { ...authority, keys: [{ keyId: "k", publicKey: generateKeyPair().publicKey }] } },
          "authority.keys",
        ],
        [{ authority, expectedRevision: 0n }, "expected_revision"],
        [{ authority, requestId: "7" }, "request_id"],
      ]
      for (const [request, field] of wrong) {
        const failure = await failureOf(calls().updateAuthority(request)).catch(() =>
          expect.fail(`not refused: ${JSON.stringify(request.updateMask)} ${field}`),
        )
        const { info, badRequest } = detailsOf(failure)
        expect(info?.reason, field).to.equal("INVALID_REQUEST")
        expect(badRequest?.fieldViolations.map((violation) => violation.field)).to.deep.equal([field])
      }
      expect(await historyOf("mask-firm")).to.have.lengthOf(1)
    })

    it("applies both of two racing updates of different fields", async () => {
      await register("mask-race", whole)
      const update = (authority: Init, ...paths: string[]) =>
        calls().updateAuthority({ authority: { id: "mask-race", ...authority }, updateMask: { paths } })
      await Promise.all([
        update({ name: "one" }, "name"),
        update({ metadataJson: '{"two":2}' }, "metadata_json"),
        update({}, "permissions"),
      ])
      const { authority } = (await calls().getAuthority({ authorityId: "mask-race" })).stored ?? {}
      expect(authority).to.deep.include({ name: "one", metadataJson: '{"two":2}', permissions: [] })
      expect(authority?.parentAuthorityId).to.equal("mask-parent")
    })

    it("refuses one of two racing writes that together close a cycle", async () => {
      for (let round = 0; round < 10; round++) {
        const [left, right] = [`left-${round}`, `right-${round}`]
        await Promise.all([register(left), register(right)])
        const outcomes = await Promise.allSettled([
          update(left, { parentAuthorityId: right }),
          update(right, { parentAuthorityId: left }),
        ])
        const reasons = outcomes.flatMap((one) =>
          one.status === "rejected" ? [detailsOf(one.reason).info?.reason] : [],
        )
        expect(reasons).to.deep.equal(["AUTHORITY_INVALID"])
      }
    })
  })

  describe("deactivate", () => {
    it("deactivates once; a repeat changes nothing", async () => {
      await register("gone")
      const first = await calls().deactivateAuthority({ authorityId: "gone" })
      expect(first.record?.isActive).to.equal(false)
      const again = await calls().deactivateAuthority({ authorityId: "gone" })
      expect(again).to.deep.equal({ ...first, unchanged: true })
      expect((await historyOf("gone")).map(({ operation }) => operation)).to.deep.equal([
        "registered",
        "deactivated",
      ])
      const missing = await refusal(calls().deactivateAuthority({ authorityId: "nobody" }))
      expect(missing.info?.reason).to.equal("AUTHORITY_NOT_FOUND")
    })
  })

  describe("rotate", () => {
    const rotate = (
      authorityId: string,
      keyId: string,
      changes: Partial<
        Exclude<MessageInitShape<typeof RotateAuthorityKeyRequestSchema>, { $typeName: string }>
      > = {},
    ) =>
      calls().rotateAuthorityKey({
        authorityId,
        keyId,
        publicKey: generateKeyPair().publicKey,
        ...changes,
      })
    /** Ids and windows of keys, in seconds. */
    const windowsOf = (keys: Awaited<ReturnType<typeof keysOf>>) =>
      keys.map(({ keyId, notBefore, notAfter }) => [
        keyId,
        notBefore && Number(notBefore.seconds),
        notAfter && Number(notAfter.seconds),
      ])

    it("ends open windows where the new one begins, and keeps those that ended", async () => {
      await register("rotated")
      await rotate("rotated", "k2", { effectiveAt: at(1_000) })
      const answer = await rotate("rotated", "k3", { effectiveAt: at(2_000) })
      expect(windowsOf(answer.stored?.authority?.keys ?? [])).to.deep.equal([
        ["k1", undefined, 1_000],
        ["k2", 1_000, 2_000],
        ["k3", 2_000, undefined],
      ])
      expect((await calls().getAuthority({ authorityId: "rotated" })).stored).to.deep.equal(answer.stored)
    })

    it("begins now by default", async () => {
      await register("now")
      const before = Date.now()
      const { authority } = (await rotate("now", "k2")).stored ?? {}
      const [old, fresh] = authority?.keys ?? []
      expect(old?.notAfter).to.deep.equal(fresh?.notBefore)
      const ms = Number(fresh?.notBefore?.seconds) * 1000 + (fresh?.notBefore?.nanos ?? 0) / 1e6
      // The server's reading of the database's clock is late by what the answer of its last probe took.
      expect(ms).to.be.within(before - 1_000, Date.now() + 1_000)
    })

    it("extends older keys by the overlap, and keeps keys that begin later", async () => {
      await register("overlapped", {
        keys: [
          { keyId: "ends", publicKey: generateKeyPair().publicKey, notAfter: at(1_500) },
          { keyId: "open", publicKey: generateKeyPair().publicKey },
          { keyId: "later", publicKey: generateKeyPair().publicKey, notBefore: at(9_000) },
          { keyId: "beyond", publicKey: generateKeyPair().publicKey, notAfter: at(8_000) },
        ],
      })
      const { stored } = await rotate("overlapped", "new", {
        effectiveAt: { seconds: 1_000n, nanos: 600_000_000 },
        overlap: { seconds: 999n, nanos: 500_000_000 },
      })
      expect(windowsOf(stored?.authority?.keys ?? [])).to.deep.equal([
        ["ends", undefined, 1_500],
        ["open", undefined, 2_000],
        ["later", 9_000, undefined],
        ["beyond", undefined, 2_000],
        ["new", 1_000, undefined],
      ])
      expect(stored?.authority?.keys[1]?.notAfter?.nanos).to.equal(100_000_000)
    })

    it("names the request's own fields in refusals", async () => {
      const { publicKey } = generateKeyPair()
      await register("firm", { keys: [{ keyId: "k1", publicKey }] })
      const refused = [
        [{ keyId: "" }, "key_id"],
        [{ keyId: "k1" }, "key_id"],
        [{ publicKey }, "public_key"],
        [{ publicKey: IDENTITY_KEY }, "public_key"],
        [{ publicKey: "AAAA" }, "public_key"],
        [{ effectiveAt: at(253_402_300_800) }, "effective_at"],
        [{ effectiveAt: { seconds: 0n, nanos: -1 } }, "effective_at"],
        [{ overlap: { seconds: -1n, nanos: 0 } }, "overlap"],
        [{ overlap: { seconds: 0n, nanos: -1 } }, "overlap"],
        [{ overlap: { seconds: 2n ** 62n, nanos: 0 } }, "overlap"],
      ] as const
      for (const [change, field] of refused) {
        const { info, badRequest } = await refusal(rotate("firm", "k2", change))
        expect(info?.reason, field).to.equal("AUTHORITY_INVALID")
        expect(badRequest?.fieldViolations.map((violation) => violation.field)).to.deep.equal([field])
      }
      expect(await historyOf("firm")).to.have.lengthOf(1)
      const missing = await refusal(rotate("nobody", "k1"))
      expect(missing.info?.reason).to.equal("AUTHORITY_NOT_FOUND")
    })

    it("accepts up to 64 keys", async () => {
      const keys = Array.from({ length: 63 }, (_, i) => ({
        keyId: `key-${i}`,
        publicKey: generateKeyPair().publicKey,
      }))
      await register("many", { keys })
      await rotate("many", "key-63")
      const { info, badRequest } = await refusal(rotate("many", "key-64"))
      expect(info?.reason).to.equal("AUTHORITY_INVALID")
      expect(badRequest?.fieldViolations[0]).to.include({ field: "authority.keys" })
      expect(badRequest?.fieldViolations[0]?.description).to.match(/64/)
    })
  })

  describe("changes", () => {
    const key = () => ({ keyId: randomUUID(), publicKey: generateKeyPair().publicKey })

    it("with the same expected_revision: one of two rotations succeeds, and without one both do", async () => {
      const there = connectTo(registry.address)
      const [a, b] = [calls(), there.calls(AuthorityService)]
      let { record } = await register("raced")
      for (let round = 0; round < 20; round++) {
        const request = { authorityId: "raced", expectedRevision: record?.revision ?? 0n }
        const outcomes = await Promise.allSettled([
          a.rotateAuthorityKey({ ...request, ...key() }),
          b.rotateAuthorityKey({ ...request, ...key() }),
        ])
        const failures = outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason] : []))
        expect(failures).to.have.lengthOf(1)
        const { info } = detailsOf(failures[0])
        record = (await a.getAuthority({ authorityId: "raced" })).stored?.record
        expect(info?.reason).to.equal("REVISION_CONFLICT")
        expect(info?.metadata).to.deep.equal({
          expected_revision: `${request.expectedRevision}`,
          revision: `${record?.revision}`,
        })
      }
      const before = (await keysOf("raced")).length
      const keys = [key(), key(), key()]
      await Promise.all(
        keys.map((one, i) => [a, b][i % 2]?.rotateAuthorityKey({ authorityId: "raced", ...one })),
      )
      const ids = (await keysOf("raced")).map(({ keyId }) => keyId)
      expect(ids).to.have.lengthOf(before + 3)
      expect(ids).to.include.members(keys.map(({ keyId }) => keyId))
      there.close()
    })

    it("that compete for one authority are all applied, or refused with a retry", async () => {
      await register("crowded")
      const settled = await Promise.allSettled(
        Array.from({ length: 30 }, () => calls().rotateAuthorityKey({ authorityId: "crowded", ...key() })),
      )
      const failures = settled.flatMap((one) => (one.status === "rejected" ? [detailsOf(one.reason)] : []))
      expect(failures.length).to.be.lessThan(25)
      for (const { info, retry, resource } of failures) {
        expect(info?.reason).to.equal("OVERLOADED")
        expect(resource?.resourceName).to.equal("crowded")
        expect(retry).not.to.equal(undefined)
      }
      expect(await keysOf("crowded")).to.have.lengthOf(1 + 30 - failures.length)
    })

    it("that are retried get their first response, even after another write: each kind of write", async () => {
      const { registerAuthority, updateAuthority, rotateAuthorityKey, deactivateAuthority } = calls()
      const authorityId = "retried"
      const name = { name: "n", authorityType: AuthorityType.SYSTEM }
      const writes = [
        [registerAuthority, { authority: authority(authorityId) }],
        [updateAuthority, { authority: { id: authorityId, ...name } }],
        [rotateAuthorityKey, { authorityId, ...key() }],
        [deactivateAuthority, { authorityId }],
      ] as const
      const done: (() => Promise<unknown>)[] = []
      for (const [write, fields] of writes) {
        const request = { ...fields, requestId: randomUUID() }
        // Each is called with the request of its own kind, which the pairs above say.
        const send = () => (write as (request: object) => Promise<unknown>)(request)
        const [one, two] = await Promise.all([send(), send()])
        expect(two).to.deep.equal(one)
        done.push(async () => expect(await send()).to.deep.equal(one))
      }
      expect(await historyOf(authorityId)).to.have.lengthOf(writes.length)
      await updateAuthority({ authority: { id: authorityId, ...name } })
      for (const again of done) await again()
      expect(await historyOf(authorityId)).to.have.lengthOf(writes.length + 1)
    })

    it("with the request_id of another change are refused", async () => {
      const { updateAuthority, rotateAuthorityKey, deactivateAuthority } = calls()
      const requestId = randomUUID()
      const authorityId = "reused"
      const given = { authority: authority(authorityId), requestId }
      await calls().registerAuthority(given)
      const fresh = { ...given, authority: { ...given.authority, name: "other" } }
      for (const details of await refusalsOf([
        calls().registerAuthority(fresh),
        updateAuthority({ authority: { id: authorityId, name: "n", authorityType: 1 }, requestId }),
        rotateAuthorityKey({ authorityId, requestId, ...key() }),
        deactivateAuthority({ authorityId, requestId }),
      ])) {
        const { info, badRequest } = details
        expect(info?.reason).to.equal("REQUEST_ID_REUSED")
        expect(badRequest?.fieldViolations[0]?.field).to.equal("request_id")
      }
    })

    it("check expected_revision, whatever the change", async () => {
      const { updateAuthority, rotateAuthorityKey, deactivateAuthority } = calls()
      const { record } = await register("expected")
      const expectedRevision = (record?.revision ?? 0n) + 1_000n
      const request = { authorityId: "expected", expectedRevision }
      for (const details of await refusalsOf([
        updateAuthority({ authority: { id: "expected", name: "n", authorityType: 1 }, expectedRevision }),
        rotateAuthorityKey({ ...request, ...key() }),
        deactivateAuthority(request),
      ]))
        expect(details.info?.reason).to.equal("REVISION_CONFLICT")
      const zero = await refusal(deactivateAuthority({ ...request, expectedRevision: 0n }))
      expect(zero.badRequest?.fieldViolations[0]?.field).to.equal("expected_revision")
    })

    it("share one order of revisions with chains", async () => {
      const { storeChain } = here.calls(TrustStoreService)
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, i) =>
          i % 3 === 0 ? register(`order-${i}`) : storeChain({ chain: sampleChain(`order-${i}`) }),
        ),
      )
      const revisions = answers.map(({ record }) => record?.revision)
      expect(new Set(revisions).size).to.equal(60)
      const rows = await registry.sql`
        select revision, updated_at from trust_authority_revisions where authority_id like 'order-%'
        union all
        select revision, updated_at from trust_chain_revisions where agent_id like 'order-%' order by revision`
      expect(rows).to.have.lengthOf(60)
      const times = rows.map((row) => (row.updated_at as Date).getTime())
      expect(times).to.deep.equal([...times].sort((left, right) => left - right))
      const first = await register("order-first")
      const second = await storeChain({ chain: sampleChain("order-second") })
      const third = await calls().deactivateAuthority({ authorityId: "order-first" })
      expect(second.record?.revision).to.equal((first.record?.revision ?? 0n) + 1n)
      expect(third.record?.revision).to.equal((second.record?.revision ?? 0n) + 1n)
    })

    it("are refused if the network delivers them too late", async () => {
      const database = await freshDatabase()
      const sql = openPool(database.connection, 1, () => {})
      await migrate(sql)
      const late = { operation: "register", authorityId: "late", requestId: randomUUID() } as const
      const write = {
        ...late,
        requestHash: "",
        actor: "me",
        expectedRevision: undefined,
        document: { json: '{"id":"late"}', proof: null, selfSigned: false },
      }
      const now = BigInt(Date.now()) * 1000n
      const code = await writeAuthority(sql, write, now - 1_000_000n).catch((error) => error.code)
      expect(code).to.equal("55P03")
      expect(await readAuthority(sql, "late")).to.equal(undefined)
      expect((await writeAuthority(sql, write, now + 60_000_000n)).outcome).to.equal("registered")
      await sql.end()
      await database.drop()
    })

    it("by hand are in history with their actor, are announced, and wait for their turn", async () => {
      await register("by-hand")
      const { sql } = registry
      const heard: string[] = []
      const listener = await sql.listen("trust_revisions", () => heard.push("revision"))
      await sql`update trust_authorities set is_active = false where authority_id = 'by-hand'`
      expect((await calls().getAuthority({ authorityId: "by-hand" })).stored?.record).to.include({
        isActive: false,
      })
      await sql`update trust_authorities set is_active = true where authority_id = 'by-hand'`
      await sql`
        update trust_authorities set authority_data = authority_data || '{"name": "hand"}'
        where authority_id = 'by-hand'`
      const { record, authority } = (await calls().getAuthority({ authorityId: "by-hand" })).stored ?? {}
      expect(authority?.name).to.equal("hand")
      expect(record?.updatedBy).to.match(/^postgres:/)
      await sql`delete from trust_authorities where authority_id = 'by-hand'`
      const history = await historyOf("by-hand")
      expect(history.map(({ operation }) => operation)).to.deep.equal([
        "registered",
        "deactivated",
        "reactivated",
        "updated",
        "purged",
      ])
      expect(history.slice(1).every((row) => String(row.updated_by).startsWith("postgres:"))).to.equal(true)
      expect(history.every((row) => row.authority_data === null)).to.equal(true)
      expect(heard.length).to.be.greaterThan(0)
      await listener.unlisten()
      await register("by-hand")
    })

    it("by hand cannot break the order: truncate, another id, a missing parent, a cycle", async () => {
      const { sql } = registry
      await register("rule-top")
      await register("rule-child", { parentAuthorityId: "rule-top" })
      const refused = async (statement: Promise<unknown>) =>
        await statement.then(
          () => "done",
          (error) => (error as { code: string }).code,
        )
      expect(await refused(sql`truncate trust_authorities`)).to.equal("23001")
      expect(await refused(sql`truncate trust_authority_revisions`)).to.equal("23001")
      const rename = sql`update trust_authorities set authority_id = 'x' where authority_id = 'rule-top'`
      expect(await refused(rename)).to.equal("23001")
      const remove = sql`delete from trust_authorities where authority_id = 'rule-top'`
      expect(await refused(remove)).to.equal("23503")
      const circle = sql`
        update trust_authorities set authority_data = authority_data || '{"parent_authority_id": "rule-child"}'
        where authority_id = 'rule-top'`
      expect(await refused(circle)).to.equal("23001")
      const other = sql`
        update trust_authorities set authority_data = authority_data || '{"id": "other"}'
        where authority_id = 'rule-top'`
      expect(await refused(other)).to.equal("23514")
    })
  })

  it("are logged by name, without their content", async () => {
    await register("logged")
    await refusal(calls().updateAuthority({ authority: { id: "logged" } }))
    const lines = registry.log.filter(({ authority_id }) => authority_id === "logged")
    const service = "trustregistry.v1.AuthorityService"
    expect(lines.map(({ method, code, level }) => ({ method, code, level }))).to.deep.equal([
      { method: `${service}/RegisterAuthority`, code: "OK", level: "info" },
      { method: `${service}/UpdateAuthority`, code: "INVALID_ARGUMENT", level: "info" },
    ])
    expect(JSON.stringify(lines)).not.to.contain("Authority logged")
  })

  it("survive a restart, with their history", async () => {
    const own = await startRegistry()
    const first = connectTo(own.address)
    const request = { authority: authority("kept"), requestId: randomUUID() }
    const registered = await first.calls(AuthorityService).registerAuthority(request)
    const before = await first.calls(AuthorityService).getAuthority({ authorityId: "kept" })
    first.close()
    await own.restart()
    const second = connectTo(own.address)
    expect(await second.calls(AuthorityService).getAuthority({ authorityId: "kept" })).to.deep.equal(before)
    expect(await second.calls(AuthorityService).registerAuthority(request)).to.deep.equal(registered)
    second.close()
    await own.stop()
  })
})
