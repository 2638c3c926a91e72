import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { chainFromDocument, memorySigner } from "@trust-registry/client"
import { expect } from "chai"
import { trustRegistry } from "../support/commandLine.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { scaled } from "../support/slowness.js"

const NAIVE = "2099-01-01T00:00:00"
const PAST = "2020-01-01T00:00:00Z"

describe("the commands that create chains", () => {
  let server: TestRegistry
  let folder: string

  const start = (args: string | string[], stdin = "") =>
    trustRegistry(typeof args === "string" ? args.split(" ") : args, {
      address: server.address,
      cwd: folder,
      stdin,
    })
  /** Runs a command that must succeed; gives what it printed. */
  const run = async (args: string | string[], stdin = "") => {
    const { code, out, err } = await start(args, stdin)
    expect({ code, err }, String(args)).to.deep.equal({ code: 0, err: "" })
    return out
  }
  const keep = (name: string, text: string) => writeFileSync(join(folder, name), text)
  const read = (name: string) => readFileSync(join(folder, name), "utf8")
  const establish = (agent: string, more: string | string[] = "", authority = "acme") =>
    run([
      ...`establish ${agent} --authority org-${authority} --key ${authority}.key --capability read_data:access`.split(
        " ",
      ),
      ...(typeof more === "string" ? more.split(" ").filter(Boolean) : more),
    ])
  const DELEGATION = "--key acme.key --task task-1 --capability read_data"

  before(async () => {
    server = await startRegistry({ logLevel: "error" })
    folder = mkdtempSync(join(tmpdir(), "trust-registry-make-"))
    const authorities = []
    for (const name of ["acme", "other"]) {
      const publicKey = (await run(`keygen ${name}.key`)).trim()
      authorities.push({
        id: `org-${name}`,
        name,
        authority_type: "organization",
        public_key: publicKey,
      })
    }
    keep("authorities.json", JSON.stringify(authorities))
    await run("authority register authorities.json")
  })
  after(async () => {
    rmSync(folder, { recursive: true })
    await server.stop()
  })

  it("write key files that only their owner can read, and never overwrite one", async () => {
    const publicKey = (await run("keygen new.key")).trim()
    expect(statSync(join(folder, "new.key")).mode & 0o777).to.equal(0o600)
    const text = read("new.key")
    expect(JSON.parse(text).public_key).to.equal(publicKey)
    expect(memorySigner(JSON.parse(text).private_key).publicKey).to.equal(publicKey)
    const again = await start("keygen new.key")
    expect(again).to.include({ code: 2, out: "" })
    expect(again.err).to.contain("already exists")
    expect(read("new.key")).to.equal(text)
    const told = JSON.parse(await run("keygen --json json.key"))
    expect(told).to.deep.equal({ file: "json.key", public_key: JSON.parse(read("json.key")).public_key })
    const printed = JSON.parse(await run("keygen"))
    expect(memorySigner(printed.private_key).publicKey).to.equal(printed.public_key)
    expect((await start("keygen nowhere/new.key")).code).to.equal(2)
  })

  it("create a chain through pipes that the registry verifies and allows", async () => {
    const metadata = '{"n": 1.0}'
    const established = await establish("pipe-7", [
      ...["--expires-at", "2099-01-01T00:00:00Z", "--metadata", metadata],
      ...["--constraint", "max_api_calls=100", "--capability", "tools:run:action", "--scope", '{"db":"a"}'],
    ])
    expect(established).to.match(/^\{.*\}\n$/)
    const { chain } = chainFromDocument(established)
    expect(chain.genesis?.metadataJson).to.equal('{"n":1.0}')
    expect(chain.genesis?.expiresAt).to.equal("2099-01-01T00:00:00Z")
    expect(chain.capabilities.map(({ capability }) => capability)).to.deep.equal(["read_data", "tools:run"])
    expect(chain.capabilities[1]?.id).to.match(/^cap-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/)
    keep("pipe-7.json", established)

    const attested = await run(
      "attest --key acme.key --capability pay:action --constraint forbidden_actions:fly",
      established,
    )
    const context = '{"amount":1.50}'
    const audited = await run(
      [
        "audit",
        "-",
        "--key",
        "acme.key",
        "--action",
        "pay",
        "--result",
        "denied",
        "--resource",
        "r",
        "--context",
        context,
      ],
      attested,
    )
    const anchor = chainFromDocument(audited).chain.auditAnchors[0]
    expect(anchor).to.include({ action: "pay", resource: "r", contextJson: context })
    expect(JSON.parse(audited).audit_anchors[0].result).to.equal("denied")
    const stored = JSON.parse(await run("store --json -", audited))
    expect(stored.record).to.include({ agent_id: "pipe-7", signature_status: "SIGNATURE_STATUS_VERIFIED" })
    expect(await run("trust pipe-7 pay --level full")).to.match(/^allowed by cap-/)
    const checked = await run("check --authorities authorities.json --action pay", await run("get pipe-7"))
    expect(checked).to.match(
      /^verified pipe-7, allowed by cap-.*\n(.*\n)? {2}constraint forbidden_actions:fly\n$/,
    )
  })

  const shell = async (script: string) => {
    const bin = fileURLToPath(new URL("../../client/bin", import.meta.url))
    const env = { PATH: `${bin}:${process.env.PATH}`, TRUST_REGISTRY_ADDRESS: server.address }
    const { stdout } = await promisify(execFile)("sh", ["-e", "-c", script], { cwd: folder, env })
    return stdout
  }

  it("create the same chain in a shell pipeline", async () => {
    const told = await shell(
      "trust-registry.js establish shell-7 --authority org-acme --key acme.key --capability read_data:access | trust-registry.js store -",
    )
    expect(told).to.match(/^created shell-7 at revision \d+\n$/)
    expect(await run("trust shell-7 read_data --level full")).to.match(/^allowed by cap-/)
  })

  it("run every step of the guide", async () => {
    const guide = readFileSync(new URL("../../docs/guide.md", import.meta.url), "utf8")
    const scripts = [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, script = ""]) => script)
    const script = scripts.find((one) => one.includes("trust-registry establish")) ?? ""
    const told = await shell(
      `mkdir guide; cd guide\n${script.replaceAll("npx trust-registry", "trust-registry.js")}`,
    )
    expect(told).to.match(
      /^registered org-maker .*\nit may create_agents, .*\nverified agent-9\ncreated agent-9 .*\nallowed by cap-\S+\n$/,
    )
  })

  it("delegate ten hops and refuse the eleventh, with each delegation verified", async () => {
    keep("hops.jsonl", await establish("hop-0", "--constraint cost_limit=1000"))
    keep("hop-0.json", read("hops.jsonl"))
    for (let hop = 1; hop <= 10; hop++) {
      const constraint = `--constraint cost_limit=${1000 - hop}`
      const delegated = await run(
        `delegate hop-${hop - 1}.json --to hop-${hop} --chains hops.jsonl ${DELEGATION} ${constraint}`,
      )
      keep(`hop-${hop}.json`, delegated)
      keep("hops.jsonl", read("hops.jsonl") + delegated)
    }
    const eleventh = await start(`delegate hop-10.json --to hop-11 --chains hops.jsonl ${DELEGATION}`)
    expect(eleventh).to.include({ code: 4, out: "" })
    expect(eleventh.err).to.match(/^trust-registry: DEPTH: .*depth 11, exceeding maximum 10/)
    const checked = await run("check hops.jsonl --authorities authorities.json --action read_data")
    expect(checked.match(/^verified hop-\d+, allowed by cap-/gm)).to.have.length(11)
    await run("store hops.jsonl")
    expect(await run("trust hop-10 read_data --level full")).to.match(/^allowed by cap-/)
    const circle = await start(`delegate hop-3.json hop-0.json --chains hops.jsonl ${DELEGATION}`)
    expect(circle.code).to.equal(4)
    expect(circle.err).to.match(/^trust-registry: CYCLE: Delegation cycle detected/)
  })

  it("delegate to an agent of another authority with both keys", async () => {
    keep("delegator.json", await establish("delegator"))
    keep("delegatee.json", await establish("delegatee", "--capability write:action", "other"))
    const delegation = `delegate delegator.json delegatee.json ${DELEGATION}`
    const alone = await start(delegation)
    expect(alone.code).to.equal(2)
    expect(alone.err).to.contain("--owner-key is required: the chain's authority is org-other")
    const delegated = await run(`${delegation} --owner-key other.key --authorities authorities.json`)
    keep("delegated.json", delegated)
    const check = "check delegated.json --authorities authorities.json --chains delegator.json --action"
    for (const action of ["read_data", "write"]) expect(await run(`${check} ${action}`)).to.match(/^verified/)
    const attest = "attest delegator.json --capability pay:action --attester org-other --key other.key"
    const attested = await run(`${attest} --owner-key acme.key`)
    const checked = await start("check --authorities authorities.json --action pay", attested)
    expect(checked.code).to.equal(1)
    expect(checked.out).to.contain(
      'attested by authority "org-other", which the agent\'s own authority does not recognise',
    )
    await run("store delegator.json delegated.json")
    expect(await run("trust delegatee read_data --level full")).to.match(/^allowed/)
  })

  it("sign again after a rotation, and name a missing file", async () => {
    const publicKeys = [(await run("keygen old.key")).trim(), (await run("keygen new.key2")).trim()]
    const document = (keys: object[]) =>
      JSON.stringify({ id: "org-turn", name: "t", authority_type: "organization", keys })
    const [old, next] = publicKeys.map((public_key) => ({ public_key }))
    keep("turn-old.json", document([{ ...old }]))
    keep("turn.json", document([{ ...old }, { ...next }]))
    keep("turn-new.json", document([{ ...next }]))
    keep("turn-late.json", document([{ ...old }, { ...next, not_before: "2999-01-01T00:00:00Z" }]))
    keep(
      "turned.json",
      await run("establish turned --authority org-turn --key old.key --capability a:access"),
    )
    const delegation = "--to delegatee-t --task t --capability a --key"
    keep("delegated.json", await run(`delegate turned.json ${delegation} old.key`))

    const unknown = await start(`delegate turned.json ${delegation} new.key2`)
    expect(unknown).to.include({ code: 4, out: "" })
    expect(unknown.err).to.match(/SOURCE_INVALID: .*turned.*--authorities FILE/)
    const orphan = await start("attest delegated.json --key old.key --capability b:access")
    expect(orphan.err).to.match(/SOURCE_INVALID: .*the chain of "turned" is missing: --chains FILE\n/)
    const unchecked = await start("check delegated.json --authorities turn.json")
    expect(unchecked.code).to.equal(1)
    expect(unchecked.out).to.contain('the chain of "turned" is missing: --chains FILE')

    const resign = "resign turned.json --key new.key2 --authorities"
    expect((await start(`${resign} turn-late.json`)).err).to.match(/the key's window does not cover/)
    keep("turn-revoked.json", document([{ ...old, revoked_at: "2026-01-01T00:00:00Z" }, { ...next }]))
    expect((await start(`${resign} turn-revoked.json`)).err).to.match(
      /SOURCE_INVALID: .*keys with revoked_at in --authorities verify nothing/,
    )
    keep("resigned.json", await run(`${resign} turn.json`))
    expect(await run("check resigned.json --authorities turn-new.json --action a")).to.match(/^verified/)
    await run("authority register turn-new.json")
    expect((await start("store turned.json")).err).to.contain("does not verify")
    expect(await run("store resigned.json")).to.match(/^created turned at revision \d+\n$/)
    expect(await run("trust turned a --level full")).to.match(/^allowed/)
    const constrained = await establish("heedful", "--constraint read_only --constraint max_api_calls=3")
    await run("store", constrained)
    const open = await start("check-authority heedful read_data")
    expect(open.code).to.equal(1)
    expect(open.out).to.match(
      /^denied: CONSTRAINT_NOT_ENFORCED: .*max_api_calls=3 \(capability:.*\nhint: .*--heeds/,
    )
    expect(open.out).to.match(/^not enforced max_api_calls=3 \(capability:.*a number api_calls/m)
    const asked = await run("check-authority heedful read_data --heeds max_api_calls")
    expect(asked).to.match(/^met read_only \(capability:/m)
    expect(asked).to.match(/^heeded max_api_calls=3 \(capability:/m)
    expect(await run("trust heedful read_data")).to.match(/^not enforced max_api_calls=3/m)
    expect((await start("trust heedful read_data --deny-unenforced")).out).to.match(
      /^denied: CONSTRAINT_NOT_/,
    )
    expect(await run("trust heedful read_data --deny-unenforced --heeds max_*")).to.match(/^allowed/)
    const counted = ["trust", "heedful", "read_data", "--context", '{"api_calls":4}']
    expect((await start(counted)).out).to.match(
      /^denied: CONSTRAINT_VIOLATION: .*api_calls is 4, more than 3/,
    )
    for (const wrong of ["--heeds *", "--heeds a*b", "--deny-unenforced --level quick"])
      expect((await start(`trust heedful read_data ${wrong}`)).code, wrong).to.equal(2)
    const offline = "check --authorities authorities.json --action read_data"
    expect((await start(offline, constrained)).out).to.match(/^ {2}not enforced max_api_calls=3/m)
    expect((await start(`${offline} --deny-unenforced`, constrained)).out).to.match(
      /^denied heedful: CONSTRAINT_NOT_ENFORCED: .*\n {2}hint: .*--heeds/,
    )
    expect((await start(`${offline} --deny-unenforced --heeds max_api_calls`, constrained)).code).to.equal(0)
    const next2 = (await run("keygen newest.key")).trim()
    await run(["authority", "rotate-key", "org-turn", next2, "--at", "2020-01-01T00:00:00Z"])
    const denied = await start("trust turned a")
    expect(denied.out).to.match(/^denied: .*SIGNATURE_INVALID: .*\nhint: .*authority get/)
  })

  describe("refuse by EATP's rules, with exit code 4 and the rule's text,", () => {
    before(async () => {
      keep("plain.json", await establish("plain", "--constraint max_api_calls=10"))
      keep("closed.json", await establish("closed", "--constraint no_delegation"))
      const at = new Date(Date.now() + scaled(2_000))
      keep("brief.json", await establish("brief", `--expires-at ${at.toISOString()}`))
      await new Promise((resolve) => setTimeout(resolve, at.getTime() - Date.now() + 50))
    })

    const REFUSALS: readonly [string, string, RegExp][] = [
      [
        "looser constraints",
        `delegate plain.json --to x ${DELEGATION} --constraint max_api_calls=11`,
        /LOOSER_CONSTRAINTS: .*max_api_calls_increased/,
      ],
      [
        "delegating to itself",
        `delegate plain.json --to plain ${DELEGATION}`,
        /SELF_DELEGATION: An agent cannot delegate to itself/,
      ],
      ["no_delegation", `delegate closed.json --to x ${DELEGATION}`, /NO_DELEGATION: .*no_delegation/],
      ["a delegator that has expired", `delegate brief.json --to x ${DELEGATION}`, /EXPIRED: .*brief/],
      [
        "an attestation to one that has expired",
        "attest brief.json --key acme.key --capability a:access",
        /EXPIRED: .*brief/,
      ],
      [
        "a capability that is not the delegator's",
        `delegate plain.json --to x ${DELEGATION} --capability pay`,
        /CAPABILITY_NOT_FOUND: .*'pay'/,
      ],
      [
        "a chain signed with another key",
        "attest plain.json --key other.key --capability a:access",
        /SOURCE_INVALID: .*plain/,
      ],
      [
        "a past expiry",
        `establish x --authority org-acme --key acme.key --expires-at ${PAST}`,
        /EXPIRED: expires_at is past/,
      ],
    ]
    for (const [what, args, text] of REFUSALS)
      it(what, async () => {
        const refused = await start(args)
        expect(refused).to.include({ code: 4, out: "" })
        expect(refused.err).to.match(text)
        const asJson = JSON.parse((await start(`${args} --json`)).err)
        expect(`${asJson.reason}: ${asJson.message}`).to.match(text)
      })

    it("and invalid fields, by name", async () => {
      const refused = await start(`establish ${"x".repeat(600)} --authority org-acme --key acme.key`)
      expect(refused).to.include({ code: 4, out: "" })
      expect(refused.err).to.match(/TRUST_CHAIN_INVALID: .*chain\.genesis\.agent_id/)
    })
  })

  it("report wrong usage with exit code 2, and never print a key", async () => {
    keep("plain.json", await establish("plain"))
    keep("two.json", (await establish("one")) + (await establish("two")))
    const secret = JSON.parse(read("acme.key")).private_key
    keep("bare.key", secret)
    keep(
      "wrong.key",
      JSON.stringify({ private_key: secret, public_key: JSON.parse(read("other.key")).public_key }),
    )
    const E = "establish x --authority org-acme"
    const WRONG: readonly [string, string][] = [
      ["establish x --key acme.key", "--authority is required"],
      [E, "--key is required"],
      [`${E} --key acme.key --capability read_data`, "NAME:TYPE"],
      [`${E} --key acme.key --capability read_data:fly`, "NAME:TYPE"],
      [`${E} --key acme.key --type king`, "--type must be one of organization, system, human"],
      [`${E} --key acme.key --metadata [1]`, "--metadata must be a JSON object"],
      [`${E} --key acme.key --metadata {"a":1,"a":2}`, "--metadata must be a JSON object: "],
      [`${E} --key acme.key --expires-at ${NAIVE}`, "--expires-at must be a time with an offset"],
      [`${E} --key nothing.key`, "cannot read nothing.key: ENOENT"],
      [`${E} --key bare.key`, "bare.key is not a key file"],
      [`${E} --key wrong.key`, "public_key does not match private_key"],
      ["attest plain.json --key acme.key", "--capability is required"],
      ["attest two.json --key acme.key --capability a:access", "two.json must contain exactly one chain"],
      ["attest acme.key --key acme.key --capability a:access", "acme.key:1: "],
      [
        "attest plain.json --key other.key --capability a:access --authorities authorities.json",
        "not one that org-acme has",
      ],
      [`delegate plain.json ${DELEGATION}`, "name the delegatee"],
      [`delegate plain.json plain.json --to x ${DELEGATION}`, "name the delegatee"],
      [`delegate plain.json --to x ${DELEGATION} --task`, "--task"],
      [`delegate - --chains - --to x ${DELEGATION}`, "standard input"],
      ["audit plain.json --key acme.key", "--action is required"],
      ["audit plain.json --key acme.key --action a --result maybe", "--result must be one of"],
      ["check plain.json", "--authorities is required"],
      ["check plain.json --authorities authorities.json --level full", "--action is required"],
      [
        "check plain.json --authorities authorities.json --action a --level deep",
        "--level must be one of quick, standard, full",
      ],
      ["check plain.json --level ultra", "--level must be one of quick, standard, full"],
      ["check plain.json --authorities plain.json", "plain.json:1: "],
    ]
    for (const [args, text] of WRONG) {
      const { code, out, err } = await start(args)
      expect({ code, out }, args).to.deep.equal({ code: 2, out: "" })
      expect(err, args).to.contain(text)
      expect(err, args).not.to.contain(secret)
    }
  })

  it("report a changed leaf, an unknown signer, a denied action and a broken document", async () => {
    const sound = await establish("sound", "--constraint read_only")
    keep("sound.json", sound)
    const check = "check --authorities authorities.json"
    const tampered = await start(check, sound.replace("read_data", "root_data"))
    expect(tampered.code).to.equal(1)
    expect(tampered.out).to.match(/^not verified sound: chain\.capabilities\[0\]\.signature does not verify/m)
    const unshaped = await start(check, sound.replace('"constraint_hash":"', '"constraint_hash":"0'))
    expect(unshaped.code).to.equal(1)
    expect(unshaped.out).to.match(/^not verified sound: chain\.constraint_envelope\.constraint_hash/m)
    const denied = await start(`${check} --action pay`, sound)
    expect(denied.code).to.equal(1)
    expect(denied.out).to.match(/^denied sound: CAPABILITY_NOT_FOUND: /)
    keep("no-authorities.json", "[]")
    const unknown = await start("check sound.json --authorities no-authorities.json --json")
    expect(unknown.code).to.equal(1)
    expect(JSON.parse(unknown.out)).to.deep.include({ agent_id: "sound", verified: false })
    expect(JSON.parse(unknown.out).violations[0]).to.deep.equal({
      field: "chain.genesis.signature",
      description: "its signer is not known here",
    })
    const mixed = await start(check, `{"genesis":\n${sound}`)
    expect(mixed.code).to.equal(1)
    expect(mixed.err).to.match(/^stdin:1: INVALID_DOCUMENT: /)
    expect(mixed.out).to.equal("verified sound\n")
  })
})
