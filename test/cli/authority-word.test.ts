import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { trustRegistry } from "../support/commandLine.js"
import { startRegistry, type TestRegistry } from "../support/server.js"

describe("an authority's own word on the command line", () => {
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

  const run = async (line: string, code = 0) => {
    const done = await trustRegistry(line.split(" "), { address: server.address, cwd: folder })
    expect(done.code, done.err).to.equal(code)
    return done.out + done.err
  }
  const save = (file: string, text: string) => writeFileSync(join(folder, file), text)
  /** Makes a key file and returns the public key. */
  const keygen = async (file: string) => (await run(`keygen ${file}`)).trim()
  const documentOf = (id: string, publicKey: string) =>
    JSON.stringify({ id, name: id, authority_type: "organization", public_key: publicKey })

  it("is signed where the key files are given, and verified from a key or a hash", async () => {
    const [one, two] = [await keygen("one.key"), await keygen("two.key")]
    save("org.json", documentOf("org-word", one))
    const [, hash = ""] =
      /^registered org-word at revision \d+, self-signed: document ([0-9a-f]{64})\nit may .*\n$/.exec(
        await run("authority register org.json --key one.key"),
      ) ?? []
    expect(await run("authority update org-word --name Word --key one.key")).to.match(
      /^updated org-word at revision \d+, self-signed: document [0-9a-f]{64}\n$/,
    )
    expect(await run(`authority rotate-key org-word ${two} --key one.key --key two.key`)).to.match(
      /^rotated org-word to key [0-9a-f]{16} at revision \d+, self-signed: document [0-9a-f]{64}; what older/,
    )
    for (const anchor of [one, two, hash])
      expect(await run(`authority verify org-word --anchor ${anchor}`)).to.match(
        /^verified org-word: 3 documents, the newest has hash [0-9a-f]{64}\n$/,
      )
    expect(await run(`authority verify org-word --anchor ${await keygen("other.key")}`, 1)).to.match(
      /^not verified org-word: none of its documents is signed by a pinned key/,
    )
    expect(await run("authority verify org-word --anchor nothing", 2)).to.match(/public key in base64/)
  })

  it("is asked for by check --anchor, which denies what an administrator slipped in", async () => {
    const [own, evil] = [await keygen("own.key"), await keygen("evil.key")]
    save("slip.json", documentOf("org-slip", own))
    await run("authority register slip.json --key own.key")
    const establish = "establish agent-s --authority org-slip --capability read_data:access"
    save("good.json", await run(`${establish} --key own.key`))
    save("evidence.json", await run("authority documents org-slip"))
    const check = `--authorities evidence.json --anchor org-slip=${own} --action read_data`
    expect(await run(`check good.json ${check}`)).to.match(/^verified agent-s, allowed by cap-/)
    expect(await run("check good.json --authorities evidence.json")).to.match(/^verified agent-s/)
    expect(await run(`check good.json ${check.replace(own, evil)}`, 1)).to.match(/AUTHORITY_UNSIGNED/)

    expect(await run(`authority rotate-key org-slip ${evil} --overlap-seconds 600`)).to.match(
      /, unsigned; what older/,
    )
    save("evidence.json", await run("authority documents org-slip"))
    save("forged.json", await run(`${establish} --key evil.key`))
    for (const file of ["good.json", "forged.json"])
      expect(await run(`check ${file} ${check}`, 1)).to.match(
        /denied agent-s: AUTHORITY_UNSIGNED: the keys of authority "org-slip", .* document 2 .*nobody signed/,
      )
    save("got.json", await run("authority get org-slip"))
    expect(await run(`check good.json ${check.replace("evidence", "got")}`, 1)).to.match(
      /AUTHORITY_UNSIGNED.*there are no documents/,
    )
    expect(await run("authority update org-slip --name S --key own.key", 4)).to.match(
      /^org-slip: AUTHORITY_UNSIGNED: .*document 2 .*--adopt/,
    )
    expect(await run("authority update org-slip --name S --key own.key --adopt")).to.match(/, unsigned\n$/)
    expect(await run("check good.json --authorities evidence.json --anchor org-slip", 2)).to.match(
      /ID=KEY or ID=HASH/,
    )
  })

  it("says what it recognises, and no longer", async () => {
    const own = await keygen("rec.key")
    save("rec.json", documentOf("org-rec", own))
    await run("authority register rec.json --key rec.key")
    const recognise = "authority recognise org-rec org-partner --key rec.key"
    await run(`${recognise} --capability read_* --capability write --until 2030-01-01T00:00:00Z`)
    expect(await run(`${recognise} --capability sign`)).to.match(
      /^updated org-rec at revision \d+, self-signed/,
    )
    const recognised = async () => JSON.parse(await run("authority get org-rec")).recognised
    const other = { authority_id: "org-partner", not_before: null }
    const signing = { ...other, capabilities: ["sign"], not_after: null }
    const until = "2030-01-01T00:00:00Z"
    expect(await recognised()).to.deep.equal([
      { ...other, capabilities: ["read_*", "write"], not_after: until },
      signing,
    ])
    await run("authority unrecognise org-rec org-partner --capability write --key rec.key")
    expect(await recognised()).to.deep.equal([
      { ...other, capabilities: ["read_*"], not_after: until },
      signing,
    ])
    save("again.json", (await run("authority get org-rec")).replace("org-rec", "org-again"))
    await run("authority register again.json")
    expect(JSON.parse(await run("authority get org-again")).recognised).to.have.lengthOf(2)
    await run("authority unrecognise org-rec org-partner --key rec.key")
    expect(await recognised()).to.equal(undefined)
    expect(readFileSync(join(folder, "again.json"), "utf8")).to.contain("org-partner")
  })
})
