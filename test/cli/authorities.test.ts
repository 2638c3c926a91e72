import { createHash } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { generateKeyPair } from "@trust-registry/eatp"
import { expect } from "chai"
import { trustRegistry } from "../support/commandLine.js"
import { startRegistry, type TestRegistry } from "../support/server.js"

describe("the authority commands", () => {
  let server: TestRegistry
  let folder: string

  before(async () => {
    server = await startRegistry({ logLevel: "error" })
    folder = mkdtempSync(join(tmpdir(), "trust-registry-cli-"))
  })
  after(async () => {
    rmSync(folder, { recursive: true })
    await server.stop()
  })

  const run = (args: string | string[], stdin = "") =>
    trustRegistry(["authority", ...(typeof args === "string" ? args.split(" ") : args)], {
      address: server.address,
      cwd: folder,
      stdin,
    })
  const key = () => generateKeyPair().publicKey
  const json = async (args: string) => JSON.parse((await run(args)).out)

  it("register EATP's own format from an array, and read what they print", async () => {
    const publicKey = key()
    const documents = [
      {
        ...{ id: "org-ö", name: "Ö", authority_type: "organization", public_key: publicKey },
        permissions: ["create_subordinate_authorities"],
      },
      {
        id: "org-full",
        name: "Full",
        authority_type: "system",
        public_key: key(),
        signing_key_id: "sign-1",
        permissions: ["grant_capabilities", "create_agents"],
        parent_authority_id: "org-ö",
        created_at: "2026-01-01T00:00:00",
        updated_at: null,
        is_active: true,
        metadata: { a: 1 },
      },
    ]
    writeFileSync(join(folder, "authorities.json"), JSON.stringify(documents, null, 1))
    const registered = await run("register authorities.json")
    expect(registered).to.include({ code: 0, err: "" })
    expect(registered.out).to.match(
      /^registered org-ö at revision \d+, unsigned\nregistered org-full at revision \d+, unsigned\n$/,
    )

    const { out } = await run("get org-ö org-full")
    const [first, second] = out.trimEnd().split("\n")
    const keyId = createHash("sha256").update(Buffer.from(publicKey, "base64")).digest("hex").slice(0, 16)
    expect(JSON.parse(first ?? "")).to.deep.equal({
      id: "org-ö",
      name: "Ö",
      authority_type: "organization",
      keys: [{ key_id: keyId, public_key: publicKey, not_before: null, not_after: null }],
      permissions: ["create_subordinate_authorities"],
      parent_authority_id: null,
      metadata: {},
    })
    expect(JSON.parse(second ?? "")).to.deep.include({
      permissions: ["grant_capabilities", "create_agents"],
      parent_authority_id: "org-ö",
      metadata: { a: 1 },
    })
    expect(JSON.parse(second ?? "").keys[0].key_id).to.equal("sign-1")

    const windows = `{"id":"org-window","name":"w","authority_type":"human","keys":[{"key_id":"k","public_key":"${key()}","not_before":"2026-01-01T02:00:00.5+02:00","not_after":"2027-01-01T00:00:00Z"}],"metadata":{"n": 1.0,"big":1e400}}`
    const refused = await run("register", windows)
    expect(refused.code).to.equal(4)
    expect(refused.err).to.match(/^stdin:1: org-window: AUTHORITY_INVALID: .*metadata_json/)
    expect(await run("register", windows.replace(',"big":1e400', ""))).to.include({ code: 0, err: "" })
    const window = await run("get org-window")
    expect(window.out).to.contain(
      '"not_before":"2026-01-01T00:00:00.500Z","not_after":"2027-01-01T00:00:00Z"',
    )
    expect(window.out).to.contain('"metadata":{"n":1.0}')

    await server.sql`delete from trust_authorities where authority_id in ('org-full', 'org-window')`
    await server.sql`delete from trust_authorities`
    expect(await run("register", out + window.out)).to.include({ code: 0, err: "" })
    expect((await run("get org-ö org-full org-window")).out).to.equal(out + window.out)
  })

  it("report refusals by document and continue with the next", async () => {
    const sound = (id: string, more = {}) =>
      JSON.stringify({ id, name: id, authority_type: "human", public_key: key(), ...more })
    const lines = [
      sound("first", { permissions: ["create_subordinate_authorities"] }),
      "{",
      sound("first"),
      '{"id":"x","name":"x","authority_type":"king","public_key":"AAAA"}',
      '{"id":"x","name":"x","authority_type":"human","public_key":"AAAA"}',
      '{"id":"x","name":"x","authority_type":"human","keys":[],"color":"red"}',
      '{"id":"x","name":"x","authority_type":"human","public_key":"AAAA","keys":[]}',
      '{"id":"x","name":"x","authority_type":"human","public_key":"AAAA","is_active":"no"}',
      sound("last"),
    ]
    const { code, out, err } = await run("register", lines.join("\n"))
    expect(code).to.equal(4)
    expect(out).to.match(
      /^registered first at revision \d+, unsigned\nregistered last at revision \d+, unsigned\nit may create_agents, .*\n$/,
    )
    const told = err.trimEnd().split("\n")
    expect(told[0]).to.match(/^stdin:2: INVALID_DOCUMENT: /)
    expect(told[1]).to.match(
      /^stdin:3: first: AUTHORITY_EXISTS: authority "first" is already registered; `authority update` and `authority rotate-key` change it$/,
    )
    expect(told[2]).to.match(/^stdin:4: INVALID_DOCUMENT: authority_type: must be one of organization/)
    expect(told[3]).to.match(/^stdin:5: x: AUTHORITY_INVALID: .*public_key/)
    expect(told[4]).to.match(/^stdin:6: INVALID_DOCUMENT: color: /)
    expect(told[5]).to.match(/^stdin:7: INVALID_DOCUMENT: public_key: cannot be combined with keys/)
    expect(told[6]).to.match(/^stdin:8: INVALID_DOCUMENT: is_active: /)
    expect(told).to.have.lengthOf(7)
    const asJson = await run("register --json -", sound("first"))
    expect(JSON.parse(asJson.err)).to.include({
      file: "stdin",
      line: 1,
      authority_id: "first",
      reason: "AUTHORITY_EXISTS",
    })
  })

  it("update only what the flags name, at the revision that was read", async () => {
    const document = `{"id":"up","name":"up","authority_type":"system","public_key":"${key()}","permissions":["create_agents"],"parent_authority_id":"first","metadata":{"n": 1.0}}`
    expect((await run("register", document)).code).to.equal(0)
    const renamed = await run(["update", "up", "--name", "New Name"])
    expect(renamed.out).to.match(/^updated up at revision \d+, unsigned\n$/)
    const before = JSON.parse((await run("get up")).out)
    expect(before).to.deep.include({
      name: "New Name",
      authority_type: "system",
      permissions: ["create_agents"],
      parent_authority_id: "first",
      metadata: { n: 1 },
    })
    const args = ["update", "up", "--permissions", "delegate_trust, create_agents", "--parent", ""]
    expect((await run([...args, "--type", "human", "--metadata", ""])).code).to.equal(0)
    expect(JSON.parse((await run("get up")).out)).to.deep.equal({
      ...before,
      authority_type: "human",
      permissions: ["delegate_trust", "create_agents"],
      parent_authority_id: null,
      metadata: {},
    })
    const stale = await run("update up --name x --expected-revision 1")
    expect(stale.code).to.equal(4)
    expect(stale.err).to.match(/^up: REVISION_CONFLICT: /)
    expect((await run("update nobody --name x")).code).to.equal(3)
    for (const wrong of ["update up", "update up --type king", "update up --permissions create_agents,fly"]) {
      const { code, err } = await run(wrong)
      expect(code, wrong).to.equal(2)
      expect(err, wrong).to.match(/name|king|one of/)
    }
  })

  it("rotate keys and deactivate", async () => {
    await run("register", `{"id":"turn","name":"t","authority_type":"human","public_key":"${key()}"}`)
    const next = key()
    const at = "2026-06-01T00:00:00Z"
    const rotated = await run(`rotate-key turn ${next} --key-id k2 --at ${at} --overlap-seconds 60`)
    expect(rotated.out).to.match(
      /^rotated turn to key k2 at revision \d+, unsigned; what older keys signed after 2026-06-01T00:01:00Z does not verify\n$/,
    )
    const { authority, record } = await json(`rotate-key --json turn ${key()}`)
    expect(authority.keys).to.have.lengthOf(3)
    expect(authority.keys[0].not_after).to.equal("2026-06-01T00:01:00Z")
    expect(authority.keys[1]).to.include({ key_id: "k2", public_key: next, not_before: at })
    expect(authority.keys[2].key_id).to.match(/^[0-9a-f]{16}$/)
    expect(record).to.include({ authority_id: "turn", is_active: true })
    const again = await run(`rotate-key turn ${next}`)
    expect(again.code).to.equal(4)
    expect(again.err).to.match(/^turn: AUTHORITY_INVALID: .*public_key/)
    expect((await run("deactivate turn nobody")).code).to.equal(3)
    expect((await run("deactivate turn")).out).to.match(/^already deactivated: turn at revision \d+\n$/)
    const revoke = ["revoke", "key", "turn", "k2", "--compromised-at", at]
    expect((await trustRegistry(revoke, { address: server.address })).code).to.equal(0)
    const { keys } = await json("get turn")
    expect(keys[0]).not.to.have.property("revoked_at")
    expect(keys[1]).to.include({ key_id: "k2", compromised_at: at })
    expect(keys[1].revoked_at).to.be.a("string")
    expect((await run("list --all")).out).to.match(/^turn .* 3, 1 revoked /m)
    const copied = (await run("get turn")).out.replaceAll("turn", "copy")
    expect(await run("register", copied)).to.include({ code: 0, err: "" })
    const copy = await json("get copy")
    expect(copy.is_active).to.equal(false)
    expect(copy.keys[1]).to.include({ key_id: "k2", compromised_at: at })
    expect(copy.keys[1].revoked_at).to.be.a("string")
    const lonely = copied.replaceAll("copy", "lonely").replace(/"revoked_at":"[^"]+",/, "")
    expect((await run("register", lonely)).err).to.match(
      /^stdin:1: lonely: AUTHORITY_INVALID: .*together with revoked_at/,
    )
    expect((await json("get --json turn")).record.is_active).to.equal(false)
  })

  it("list authorities in columns, inactive ones with --all, and resume from where a list ended", async () => {
    await server.sql`update trust_authorities set authority_data = authority_data - 'parent_authority_id'`
    await server.sql`delete from trust_authorities`
    const documents = ["a", "b\u001b", "c"].map((id) =>
      JSON.stringify({ id, name: id, authority_type: "human", public_key: key() }),
    )
    await run("register", documents.join("\n"))
    await run("deactivate c")
    const { out } = await run("list")
    const lines = out.trimEnd().split("\n")
    expect(lines[0]).to.match(/^AUTHORITY +NAME +TYPE +STATUS +KEYS +REVISION +UPDATED$/)
    expect(lines[1]).to.match(/^a +a +human +active +1 +\d+ +20/)
    expect(lines[2]).to.contain("b\\u{1b}")
    expect(lines).to.have.lengthOf(3)
    expect((await run("list --all")).out).to.match(/^c +c +human +inactive/m)
    const first = await run("list --limit 1 --json")
    const listed = JSON.parse(first.out)
    expect(listed).to.include({ authority_id: "a", is_active: true })
    expect(listed.authority).to.include({ id: "a", name: "a", authority_type: "human" })
    expect(listed.authority.keys).to.have.lengthOf(1)
    const token = /--page-token (\S+)/.exec(first.err)?.[1]
    expect(JSON.parse((await run(`list --json --page-token ${token}`)).out).authority_id).to.equal("b\u001b")
    await server.sql`
      update trust_authorities set authority_data = authority_data || '{"bogus": 1}' where authority_id = 'a'`
    const broken = await run("list")
    expect(broken.code).to.equal(1)
    expect(broken.err).to.match(/^a: AUTHORITY_CORRUPT: /)
    expect((await run("get a")).code).to.equal(6)
  })

  it("print help for the group, and refuse unknown subcommands", async () => {
    const help = await run("--help")
    expect(help.code).to.equal(0)
    for (const name of ["register", "get", "list", "update", "deactivate", "rotate-key"])
      expect(help.out).to.match(new RegExp(`^  authority ${name} `, "m"))
    const nothing = await trustRegistry(["authority"])
    expect(nothing.code).to.equal(2)
    expect((await run("crown")).code).to.equal(2)
  })
})
