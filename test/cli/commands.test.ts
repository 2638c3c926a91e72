import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { create } from "@bufbuild/protobuf"
import {
  chainFromDocument,
  chainHash,
  documentFromChain,
  status,
  TrustLineageChainSchema,
} from "@trust-registry/client"
import { expect } from "chai"
import { COMMANDS } from "../../client/cli/commands.js"
import { EXIT_MEANINGS } from "../../client/cli/output/exit.js"
import { endOf, type RunOptions, startTrustRegistry, trustRegistry } from "../support/commandLine.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { Status, startTrustStore } from "../support/trustStore.js"

const VECTORS = fileURLToPath(new URL("../vectors/chains.jsonl", import.meta.url))
const NOBODY = "127.0.0.1:1"

/** The EATP document of a small chain. */
function documentOf(agentId: string, genesis: Record<string, unknown> = {}) {
  const { genesis: sample } = sampleChain(agentId)
  return documentFromChain(create(TrustLineageChainSchema, { genesis: { ...sample, ...genesis } }))
}

describe("the command line", () => {
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

  beforeEach(() => server.sql`delete from trust_chains`)

  const run = (args: string, stdin: RunOptions["stdin"] = "") =>
    trustRegistry(args.split(" ").filter(Boolean), { address: server.address, cwd: folder, stdin })

  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)

  describe("for single chains", () => {
    it("stores, gets, updates, deletes and restores", async () => {
      write("chain.json", documentOf("agent-7"))
      expect(await run("store chain.json")).to.include({ code: 0, err: "" })
      expect((await run("store", documentOf("agent-7"))).out).to.match(
        /^updated agent-7 at revision \d+; UNVERIFIED: some signatures could not be checked\n$/,
      )
      const got = await run("get agent-7")
      expect(got).to.deep.equal({ code: 0, out: `${documentOf("agent-7")}\n`, err: "" })
      const updated = await run("update -", documentOf("agent-7", { metadataJson: '{"n": 1.0}' }))
      expect(updated.out).to.match(/^updated agent-7/)
      const { chain, record } = JSON.parse((await run("get --json agent-7")).out)
      expect(chain.genesis.metadata).to.deep.equal({ n: 1 })
      expect(record).to.include({
        agent_id: "agent-7",
        status: "CHAIN_STATUS_ACTIVE",
        authority_id: "org-acme",
      })
      expect(record).not.to.have.property("is_active")
      expect(record.updated_at).to.be.a("string")
      expect((await run("delete agent-7")).out).to.match(/^deleted agent-7 at revision \d+\n$/)
      const again = await run("delete agent-7")
      expect(again).to.include({ code: 0, err: "" })
      expect(again.out).to.match(/^already deleted: agent-7 at revision \d+\n$/)
      expect((await run("delete agent-7 --json")).out).to.match(/^\{"deleted":false,"record":\{/)
      expect((await run("get agent-7")).code).to.equal(3)
      expect((await run("get --include-inactive agent-7")).code).to.equal(0)
      expect((await run("restore agent-7")).out).to.match(/^restored agent-7/)
      expect((await run("restore agent-7")).out).to.match(/^already active: agent-7/)
      expect((await run("delete --purge agent-7 --json")).out).to.match(/^\{"purged":true,"record":\{/)
      expect((await run("delete --hard agent-7")).code).to.equal(2)
      expect((await run("get --include-inactive agent-7")).code).to.equal(3)
    })

    it("deletes many in one call, and reports each failure", async () => {
      const store = () => run("store", ["m-1", "m-2", "m-3"].map((id) => documentOf(id)).join("\n"))
      await store()
      const { code, out, err } = await run("delete m-1 nobody m-2 m-1")
      expect(code).to.equal(3)
      expect(out).to.match(/^deleted m-1 at revision \d+\ndeleted m-2 at revision \d+\n$/)
      expect(err).to.match(/^nobody: TRUST_CHAIN_NOT_FOUND: .*\n$/)
      const none = await run("delete --atomic m-3 nobody --json")
      expect(none).to.include({ code: 3, out: "" })
      const told = none.err
        .trimEnd()
        .split("\n")
        .map((text) => JSON.parse(text))
      expect(told.map(({ agent_id, reason }) => [agent_id, reason])).to.deep.equal([
        ["m-3", "BATCH_REFUSED"],
        ["nobody", "TRUST_CHAIN_NOT_FOUND"],
      ])
      expect((await run("get m-3")).code).to.equal(0)
      for (const flags of ["", "--atomic "])
        expect((await run(`delete ${flags}m-1 m-2`)).out).to.match(
          /^already deleted: m-1 at revision \d+\nalready deleted: m-2 at revision \d+\n$/,
        )
      const all = await run("delete --purge --atomic m-1 m-2 m-3 --json")
      expect(all).to.include({ code: 0, err: "" })
      const records = all.out
        .trimEnd()
        .split("\n")
        .map((text) => JSON.parse(text))
      expect(records.map(({ purged, record }) => [purged, record.agent_id])).to.deep.equal([
        [true, "m-1"],
        [true, "m-2"],
        [true, "m-3"],
      ])
      expect((await run("count --all")).out).to.equal("0\n")
      await store()
      const { code: wrong, err: why } = await run("delete m-1 m-2 --expected-revision 1")
      expect(wrong).to.equal(2)
      expect(why).to.contain("--expected-revision requires exactly one AGENT")
      expect((await run("count")).out).to.equal("3\n")
    })

    it("deletes more chains than fit in one call", async () => {
      const ids = Array.from({ length: 1_200 }, (_, i) => `many-${i}`)
      await run("store", documentOf("many-0"))
      await server.sql`
        insert into trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash)
        select 'many-' || n, 0, authority_id, chain_data, chain_bytes, chain_hash, content_hash
        from trust_chains, generate_series(1, 1199) n where agent_id = 'many-0'`
      const { code, out } = await run(`delete ${ids.join(" ")}`)
      expect(code).to.equal(0)
      expect(out.trimEnd().split("\n")).to.have.length(1_200)
      expect((await run("count --all --prefix many-")).out).to.equal("1200\n")
      expect((await run("count")).out).to.equal("0\n")
      expect((await run(`delete --atomic ${ids.join(" ")}`)).code).to.equal(2)
    })

    it("lists and counts at a revision", async () => {
      await run("store", documentOf("then"))
      const { record } = JSON.parse((await run("get --json then")).out)
      await run("delete then")
      expect((await run("count")).out).to.equal("0\n")
      expect((await run(`count --at-revision ${record.revision}`)).out).to.equal("1\n")
      const listed = await run(`list --json --records --at-revision ${record.revision}`)
      expect(JSON.parse(listed.out)).to.include({ agent_id: "then", status: "CHAIN_STATUS_ACTIVE" })
      expect((await run("list --at-revision 0")).code).to.be.oneOf([2, 4])
    })

    it("continues with the next agent, and exits with the code of the first failure", async () => {
      await run("store", documentOf("there"))
      const { code, out, err } = await run("get nobody there no-one")
      expect(code).to.equal(3)
      expect(out).to.equal(`${documentOf("there")}\n`)
      expect(err).to.match(/^nobody: TRUST_CHAIN_NOT_FOUND: .*not found.*\nno-one: TRUST_CHAIN_NOT_FOUND: /)
    })

    it("reports refusals by field, as text and as JSON, with exit code 4", async () => {
      const bad = documentOf("bad", { createdAt: "yesterday", expiresAt: "2020-01-01T00:00:00" })
      const { code, err } = await run("store", `${documentOf("good")}\n${bad}\n${documentOf("later")}`)
      expect(code).to.equal(4)
      expect(err)
        .to.match(/^stdin:2: bad: TRUST_CHAIN_INVALID: /)
        .and.contain("chain.genesis.created_at: ")
      expect((await run("count")).out).to.equal("1\n")
      const told = JSON.parse((await run("store --json", bad)).err)
      expect(told).to.include({ file: "stdin", line: 1, agent_id: "bad", reason: "TRUST_CHAIN_INVALID" })
      expect(told.violations.map((violation: { field: string }) => violation.field)).to.include(
        "chain.genesis.expires_at",
      )
    })

    it("writes only at the expected revision", async () => {
      expect((await run("store --expected-revision 0", documentOf("agent-7"))).code).to.equal(0)
      const again = await run("store --expected-revision 0", documentOf("agent-7"))
      expect(again.code).to.equal(4)
      expect(again.err).to.contain("REVISION_CONFLICT")
      expect((await run("delete --expected-revision 99999 agent-7")).code).to.equal(4)
    })

    it("accepts an expiry earlier than the chain's own", async () => {
      await run("store --expires-at 2099-01-01T00:00:00Z", documentOf("agent-7"))
      expect((await run("list")).out).to.contain("2099-01-01T00:00:00Z")
      expect((await run("store --expires-at 2020-01-01T00:00:00Z", documentOf("agent-8"))).code).to.equal(4)
    })

    it("checks the chain_hash of a document", async () => {
      const stated = documentOf("agent-7").replace(/\}$/, ',"chain_hash":"00"}')
      expect((await run("store", stated)).code).to.equal(4)
      const right = chainHash(chainFromDocument(documentOf("agent-7")).chain)
      expect((await run("store", stated.replace('"00"', `"${right}"`))).code).to.equal(0)
      expect((await run("hash", stated)).code).to.equal(1)
    })
  })

  describe("for many chains", () => {
    const ids = ["a-1", "a-2", "b-1", "日本", "ü \u001b[31m"]

    beforeEach(() => run("import", ids.map((id) => documentOf(id)).join("\n")))

    it("lists them in columns, without control characters", async () => {
      const { out, code } = await run("list")
      expect(code).to.equal(0)
      const lines = out.trimEnd().split("\n")
      expect(lines).to.have.length(6)
      expect(lines[0]).to.match(/^AGENT +AUTHORITY +STATUS +SIGNATURES +REVISION +EXPIRES +UPDATED$/)
      expect(lines[1]).to.match(/^a-1 +org-acme +active +unverified +\d+ +- +\d{4}-.*Z$/)
      expect(lines[4]).to.contain("\\u{1b}[31m")
      const json = (await run("list --json --prefix a-")).out.trimEnd().split("\n")
      expect(json.map((line) => JSON.parse(line).agent_id)).to.deep.equal(["a-1", "a-2"])
    })

    it("lists, counts, verifies and exports with the same filters", async () => {
      await run("delete a-2")
      const counts: Record<string, string> = {
        "": "4",
        "--all": "5",
        "--prefix a-": "1",
        "--prefix a- --all": "2",
        "--authority org-other": "0",
        "--authority org-acme": "4",
        "--capability read": "0",
        "--capability-type action": "0",
        "--delegator agent-x": "0",
        '--metadata {"a":1}': "0",
        "--expires-before 2100-01-01T00:00:00+01:00": "0",
      }
      for (const [flags, count] of Object.entries(counts)) {
        expect((await run(`count ${flags}`)).out, flags).to.equal(`${count}\n`)
        const exported = (await run(`export --documents ${flags}`)).out.split("\n").filter(Boolean)
        expect(exported, flags).to.have.length(Number(count))
      }
      expect((await run("count --json")).out).to.equal('{"count":"4"}\n')
      expect((await run("verify --prefix a- --all")).out).to.equal("2 verified, 0 not verified\n")
    })

    it("resumes a list where it ended", async () => {
      const first = await run("list --json --limit 2")
      expect(first.out.trimEnd().split("\n")).to.have.length(2)
      const token = /--page-token (\S+)/.exec(first.err)?.[1]
      const second = await run(`list --json --page-token ${token}`)
      expect(second.out.trimEnd().split("\n")).to.have.length(3)
      expect(second.err).to.equal("")
    })

    it("names rows that do not parse, with exit code 1, and returns the rest", async () => {
      await server.sql`update trust_chains set chain_data = '{"genesis": 5}' where agent_id = 'a-2'`
      const list = await run("list")
      expect(list.code).to.equal(1)
      expect(list.err).to.match(/^a-2: TRUST_CHAIN_CORRUPT: /)
      const exported = await run("export --documents")
      expect(exported.code).to.equal(1)
      expect(exported.err.startsWith(`${list.err}4 exported, 1 unreadable, as of revision `)).to.equal(true)
      expect(exported.out.trimEnd().split("\n")).to.have.length(4)
      const verified = await run("verify --all")
      expect(verified.code).to.equal(1)
      expect(verified.out)
        .to.match(/^not verified a-2: document/m)
        .and.contain("4 verified, 1 not verified")
      expect((await run("get a-2")).code).to.equal(6)
    })

    it("verifies agents by name and reports the checks that failed", async () => {
      expect(await run("verify a-1 b-1")).to.deep.equal({
        code: 0,
        out: "verified a-1\nverified b-1\n",
        err: "",
      })
      await server.sql`update trust_chains set chain_hash = ${"0".repeat(64)} where agent_id = 'b-1'`
      const { code, out } = await run("verify a-1 b-1")
      expect(code).to.equal(1)
      expect(out)
        .to.contain("verified a-1\n")
        .and.match(/^not verified b-1: chain_hash.*expected.*found 0{64}/m)
      const answer = JSON.parse((await run("verify --json b-1")).out)
      expect(answer).to.include({ verified: false })
      const failed = answer.findings.filter(({ passed }: { passed: boolean }) => !passed)
      expect(failed.map(({ check }: { check: string }) => check)).to.include("INTEGRITY_CHECK_CHAIN_HASH")
    })
  })

  describe("imports and exports", () => {
    it("the test vectors, unchanged, through files and pipes", async () => {
      const imported = await run(`import ${VECTORS}`)
      const lines = readFileSync(VECTORS, "utf8").trimEnd().split("\n")
      expect(imported).to.deep.equal({
        code: 0,
        out: `${lines.length} created, 0 updated, 0 refused; ${lines.length} UNVERIFIED\n`,
        err: "",
      })
      expect((await run("export --documents --all all.jsonl")).out).to.contain(
        `${lines.length} exported, 0 unreadable, as of`,
      )
      const exported = readFileSync(join(folder, "all.jsonl"), "utf8")
      const again = await run("import --json", exported)
      expect(JSON.parse(again.out)).to.deep.equal({
        created: 0,
        updated: lines.length,
        refused: 0,
        unverified: lines.length,
      })
      expect((await run("export --documents --all")).out).to.equal(exported)
      expect((await run("verify --all")).code).to.equal(0)
      const before = lines.map((line) => documentFromChain(chainFromDocument(line).chain)).sort()
      expect(exported.trimEnd().split("\n").sort()).to.deep.equal(before)
    })

    it("arrays and pretty-printed documents from several files", async () => {
      const pretty = (id: string) => JSON.stringify(JSON.parse(documentOf(id)), undefined, 2)
      write("array.json", `[${documentOf("a")},${documentOf("b")}]`)
      write("pretty.json", `${pretty("c")}\n${pretty("d")}\n`)
      const { out } = await run("import array.json pretty.json -", documentOf("e"))
      expect(out).to.equal("5 created, 0 updated, 0 refused; 5 UNVERIFIED\n")
    })

    it("with refused documents named by line, and the rest imported", async () => {
      const lines = [
        documentOf("a"),
        '{"genesis":',
        documentOf("b", { createdAt: "yesterday" }),
        documentOf("c").replace("org-acme", "\\ud800"),
        "this is not json",
        documentOf("d"),
      ]
      write("some.jsonl", `${lines.join("\n")}\n`)
      const { code, out, err } = await run("import some.jsonl")
      expect(code).to.equal(1)
      expect(out).to.equal("2 created, 0 updated, 4 refused; 2 UNVERIFIED\n")
      expect(err).to.match(/^some\.jsonl:2: INVALID_DOCUMENT: .* at line \d column \d+$/m)
      expect(err).to.match(/^some\.jsonl:3: b: TRUST_CHAIN_INVALID: .*created_at/m)
      expect(err).to.match(/^some\.jsonl:4: .*surrogate/m)
      expect(err).to.match(/^some\.jsonl:5: INVALID_DOCUMENT: .* at line 5 column 1$/m)
      const told = (await run("import --json some.jsonl")).err.trimEnd().split("\n")
      expect(told.map((line) => JSON.parse(line).line)).to.deep.equal([2, 3, 4, 5])
    })

    it("with documents of one agent applied in order", async () => {
      const versions = Array.from({ length: 300 }, (_, i) => [
        documentOf("same", { metadataJson: `{"version":${i}}` }),
        documentOf(`other-${i % 7}`, { metadataJson: `{"version":${i}}` }),
      ]).flat()
      expect((await run("import", versions.join("\n"))).out).to.equal(
        "8 created, 592 updated, 0 refused; 600 UNVERIFIED\n",
      )
      expect((await run("get same")).out).to.contain('{"version":299}')
      const rows = await server.sql`select chain_data->'genesis'->>'metadata_json' as metadata
        from trust_chain_revisions where agent_id = 'same' order by revision`
      const order = rows.slice(-300).map((row) => JSON.parse(row.metadata).version)
      expect(order).to.deep.equal(Array.from({ length: 300 }, (_, i) => i))
    })

    it("until the registry is gone, then names the line to resume from", async () => {
      let stored = 0
      const failing = await startTrustStore({
        async *importChains(requests) {
          for await (const _ of requests) {
            if (++stored > 20) throw new Status(status.UNAVAILABLE, "gone")
            yield { result: { result: { case: "stored", value: { created: true } } } }
          }
        },
      })
      async function* endless() {
        for (let i = 1; ; i++) yield `${documentOf(`agent-${i}`)}\n`
      }
      try {
        const args = ["import", "--in-flight", "1"]
        const { code, out, err } = await trustRegistry(args, { address: failing.address, stdin: endless() })
        expect(code).to.equal(5)
        expect(out).to.equal("20 created, 0 updated, 0 refused\n")
        expect(err)
          .to.match(/^stdin:21: STOPPED: .*resume from this line/)
          .and.contain("UNAVAILABLE: gone")
      } finally {
        failing.stop()
      }
    })

    it("with one document in memory at a time, even in an array on one line", async () => {
      const one = documentOf("agent", { metadataJson: `{"text":"${"x".repeat(100_000)}"}` })
      async function* large() {
        yield "["
        for (let i = 0; i < 600; i++) yield `${i ? "," : ""}${one}`
        yield "]"
      }
      const env = { NODE_OPTIONS: "--max-old-space-size=40" }
      const { code, out } = await trustRegistry(["hash", "--json"], { stdin: large(), env })
      expect(code).to.equal(0)
      expect(out.trimEnd().split("\n")).to.have.length(600)
    })

    it("quietly when its output is closed", async () => {
      await run(`import ${VECTORS}`)
      const child = startTrustRegistry(["export", "--documents", "--all"], { address: server.address })
      child.stdout.once("data", () => child.stdout.destroy())
      const { code, err } = await endOf(child)
      // All may have been written by then.
      expect([code, err.replace(/^\d+ exported, .*\nWARNING: .*\n$/, "")]).to.deep.equal([0, ""])
    })

    it("to a file, replaced only by a complete export", async () => {
      write("kept.jsonl", "before")
      const gone = await trustRegistry(["export", "--documents", "kept.jsonl"], {
        address: NOBODY,
        cwd: folder,
      })
      expect(gone.code).to.equal(5)
      expect(readFileSync(join(folder, "kept.jsonl"), "utf8")).to.equal("before")
      expect(readdirSync(folder).filter((name) => name.includes("partial"))).to.deep.equal([])
      expect((await run("export --documents no/such/folder.jsonl")).code).to.equal(6)
      expect((await run("export --documents kept.jsonl")).code).to.equal(0)
      expect(readFileSync(join(folder, "kept.jsonl"), "utf8")).to.equal("")
    })
  })

  it("computes hashes without a registry", async () => {
    const known = readFileSync(VECTORS.replace("chains.jsonl", "chains.hashes.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
    const { code, out } = await trustRegistry(["hash", "--json", VECTORS], { address: NOBODY })
    expect(code).to.equal(0)
    const hashes = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
    expect(hashes.map(({ agent_id, chain_hash }) => ({ agent_id, chain_hash }))).to.deep.equal(
      known.map((line) => JSON.parse(line)),
    )
    expect(hashes[0]).to.have.keys(["agent_id", "chain_hash", "content_hash", "constraint_hash"])
    expect((await trustRegistry(["hash"], { stdin: "{}" })).code).to.equal(1)
    expect((await trustRegistry(["hash"], { stdin: documentOf("a") })).out).to.match(
      /^a\n {2}chain_hash +[0-9a-f]{64}\n/,
    )
  })

  it("checks whether an agent may perform an action, and answers by exit code", async () => {
    const none = await run("trust nobody read")
    expect(none).to.deep.equal({ code: 1, out: none.out, err: "" })
    expect(none.out).to.match(
      /^denied: NO_TRUST_CHAIN: no chain of agent ".*" is stored\nhint: .*`trust-registry store`/,
    )
    const asked = JSON.parse((await run("trust nobody --level quick --json")).out)
    expect(asked).to.include({ valid: false, reason: "DENIAL_REASON_NO_TRUST_CHAIN" })
    expect((await run("trust nobody")).code).to.equal(2)
    expect((await run("trust nobody read --level most")).err).to.include(
      "--level must be one of quick, standard, full",
    )
  })

  it("shows server information", async () => {
    const { code, out } = await run("info")
    expect(code).to.equal(0)
    expect(out).to.match(/^version +\d+\.\d+\.\d+(\+\S+)?, schema \d+, since 20\S+Z$/m)
    expect(out).to.match(/^feed +at revision (\d+) of \1, \d\.\d s ago$/m)
    expect(JSON.parse((await run("info --json")).out)).to.include({
      database_available: true,
      oldest_revision: "1",
    })
  })

  it("checks the registry's health", async () => {
    expect(await run("health")).to.deep.equal({ code: 0, out: "SERVING\n", err: "" })
    expect((await run("health no.such.Service")).code).to.equal(3)
    expect((await run("health --json")).out).to.equal('{"status":"SERVING"}\n')
    const gone = await trustRegistry(["health", "--address", NOBODY])
    expect(gone.code).to.equal(5)
    expect(gone.err).to.match(/^trust-registry: UNAVAILABLE: .*ECONNREFUSED/)
  })

  describe("refuses with exit code 2", () => {
    const wrong: Record<string, RegExp> = {
      "": /no command given/,
      "fetch a": /unknown command fetch/,
      "constructor a": /unknown command constructor/,
      "list --foo": /--foo/,
      "list --limit 0": /--limit/,
      "list --limit -1": /--limit must be a whole number from 1 to 2147483647/,
      "list --prefix -x": /--prefix needs a value; for one that starts with a dash, write --prefix=-/,
      "--foo list": /no command given: it comes before flags such as --foo/,
      "list surplus": /surplus/,
      "list --capability-type fly": /--capability-type/,
      "list --expires-before tomorrow": /--expires-before/,
      "list --expires-before 2030-01-01T00:00:00": /--expires-before/,
      get: /AGENT/,
      verify: /--all/,
      "verify a --all": /--all/,
      "store no-such-file.json": /no-such-file\.json/,
      "import .": /is a directory/,
      "store --expected-revision -1": /--expected-revision/,
      "count --timeout-ms soon": /--timeout-ms/,
      "count --tls --insecure": /cannot be combined/,
      "count --tls-ca no-such.pem": /no-such\.pem/,
      "hash --address x": /--address/,
      "count --address http://localhost:50051": /must be HOST:PORT, without http:\/\//,
      "count --address localhost:99999": /port 99999 is not one of 1 to 65535/,
      "count --address localhost": /must be HOST:PORT/,
      "count --address ::1": /must be HOST:PORT/,
    }
    for (const [args, message] of Object.entries(wrong)) {
      it(`trust-registry ${args}`, async () => {
        const { code, out, err } = await run(args)
        expect(err)
          .to.match(message)
          .and.match(/^trust-registry: .*\n$/)
        expect(code).to.equal(2)
        expect(out).to.equal("")
      })
    }
  })

  it("requires a command, with --json too", async () => {
    const { code, err } = await run("--json")
    const message = "no command given: it comes before flags such as --json"
    expect({ code, told: JSON.parse(err) }).to.deep.equal({ code: 2, told: { message, violations: [] } })
  })

  it("names a chain that is too large, and the limit", async () => {
    const large = documentOf("large", { metadataJson: `{"text":"${"x".repeat(5_000_000)}"}` })
    const { code, err } = await run("store", large)
    expect(err).to.match(/^stdin:1: large: RESOURCE_EXHAUSTED: the request is larger than 4194304 bytes, /)
    expect(code).to.equal(4)
  })

  it("prints help with an example for every command, and its version", async () => {
    const general = await run("--help")
    expect(general.code).to.equal(0)
    for (const name of Object.keys(COMMANDS)) {
      expect(general.out).to.match(new RegExp(`^  ${name} `, "m"))
      const { code, out } = await run(`${name} --help`)
      expect(code).to.equal(0)
      expect(out).to.match(new RegExp(`^  trust-registry ${name}`, "m"))
      for (const [flag, { required }] of Object.entries(COMMANDS[name]?.flags ?? {}))
        expect(out).to.match(new RegExp(required ? `--${flag} \\w+\\S*\\s+required: ` : `--${flag} `))
    }
    expect((await run("--version")).out).to.match(/^\d+\.\d+\.\d+\n$/)
    // A process for each command.
  })

  it("is documented: every command and every exit code", () => {
    const page = readFileSync(new URL("../../docs/command-line.md", import.meta.url), "utf8")
    for (const [name, { args }] of Object.entries(COMMANDS)) {
      expect(page).to.contain(`| \`${`${name} ${args}`.trim()}\` | `)
    }
    for (const [code, meaning] of Object.entries(EXIT_MEANINGS)) {
      expect(page).to.contain(`| ${code} | ${meaning} |`)
    }
  })
})
