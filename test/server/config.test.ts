import { readFileSync } from "node:fs"
import { ConfigError, defaultConfig, loadConfig } from "@trust-registry/server"
import { expect } from "chai"
import { rows } from "../../server/config/config.js"
import { configMarkdown, describeConfig } from "../../server/config/describe.js"
import { flagOf } from "../../server/config/settings.js"
import { isLoopback } from "../../server/config/values.js"
import { maskUrl } from "../../server/connection/mask.js"

describe("the configuration", () => {
  it("has a working default for every setting, and is frozen", () => {
    const config = defaultConfig()
    expect(config).to.include({
      databaseUrl: "",
      dataDir: "./.trust-registry",
      cacheEntries: 10_000,
      maxMessageBytes: 4 * 1024 * 1024,
      maxChainBytes: 1024 * 1024,
      maxCapabilities: 1000,
      maxDelegations: 1000,
      maxAnchors: 2000,
      maxIdBytes: 512,
      maxJsonDepth: 64,
    })
    expect(config.listen).to.deep.equal({ host: "127.0.0.1", port: 50051 })
    expect(config).to.be.frozen
  })

  it("prefers the flag to the variable, the variable to the default, and ignores empty text", () => {
    const env = {
      TRUST_REGISTRY_CACHE_ENTRIES: "7",
      TRUST_REGISTRY_MAX_ANCHORS: "",
      TRUST_REGISTRY_LOG_LEVEL: "warn",
    }
    const { config, texts } = loadConfig(env, { "cache-entries": "9" })
    expect(config).to.include({ cacheEntries: 9, maxAnchors: 2000, logLevel: "warn" })
    expect(texts.get("cacheEntries")?.source).to.equal("flag")
    expect(texts.get("logLevel")?.source).to.equal("variable")
    expect(texts.get("maxAnchors")?.source).to.equal("default")
  })

  it("names every setting once, as a variable and as a flag", () => {
    const names = rows().flatMap(([, row]) => [row.variable, flagOf(row)])
    expect(new Set(names)).to.have.lengthOf(names.length)
  })

  const refused: [string, string, string][] = [
    ["TRUST_REGISTRY_CACHE_ENTRIES", "-1", "a whole number from 0"],
    ["TRUST_REGISTRY_CACHE_ENTRIES", "1e3", "a whole number from 0"],
    ["TRUST_REGISTRY_MAX_ID_BYTES", "513", "to 512"],
    ["TRUST_REGISTRY_LISTEN", "50051", "host:port"],
    ["TRUST_REGISTRY_LISTEN", "127.0.0.1:65536", "0 to 65535"],
    ["TRUST_REGISTRY_LISTEN", "::1:50051", "[IPv6 address]:port"],
    ["TRUST_REGISTRY_LOG_LEVEL", "loud", "trace, debug, info"],
    ["TRUST_REGISTRY_ALLOW_INSECURE", "yes", "true or false"],
    ["DATABASE_URL", "postgres://host/db?sslmode=maybe", "sslmode is one of disable"],
  ]
  for (const [variable, text, allowed] of refused) {
    it(`refuses ${variable}=${text}, with its name, its value and what is allowed`, () => {
      expect(() => loadConfig({ [variable]: text }))
        .to.throw(ConfigError)
        .with.property("message")
        .that.includes(variable)
        .and.includes(`"${text}"`)
        .and.includes(allowed)
    })
  }

  it("names the flag if the flag is wrong", () => {
    expect(() => loadConfig({}, { "drain-timeout-ms": "soon" })).to.throw('--drain-timeout-ms is "soon"')
  })

  it("reports all errors at once", () => {
    const env = { TRUST_REGISTRY_LISTEN: "x", TRUST_REGISTRY_LOG_LEVEL: "x", TRUST_REGISTRY_MAX_ANCHORS: "x" }
    expect(() => loadConfig(env))
      .to.throw(ConfigError)
      .with.property("problems")
      .with.lengthOf(3)
  })

  it("never prints the password of a DATABASE_URL", () => {
    const url = "postgres://ann:s3cret@db.example:5432/registry?sslpassword=hidden&sslmode=require"
    expect(describeConfig(loadConfig({ DATABASE_URL: url }))).to.include(
      "postgres://ann:***@db.example:5432/registry?sslpassword=***&sslmode=require",
    )
    expect(() => loadConfig({ DATABASE_URL: "postgers://ann:s3cret@h/db" }))
      .to.throw(ConfigError)
      .with.property("message")
      .that.does.not.include("s3cret")
    expect(maskUrl("postgres://ann:p@ss:w@rd@h/db")).to.equal("postgres://ann:***@h/db")
    expect(maskUrl("postgres://ann@h:5432/db")).to.equal("postgres://ann@h:5432/db")
  })

  it("refuses to listen without TLS on a public address, unless allowed to", () => {
    for (const host of ["0.0.0.0", "[::]", "192.0.2.7", "registry.example"]) {
      const env = { TRUST_REGISTRY_LISTEN: `${host}:50051` }
      expect(() => loadConfig(env)).to.throw("TRUST_REGISTRY_ALLOW_INSECURE=true")
      expect(loadConfig({ ...env, TRUST_REGISTRY_ALLOW_INSECURE: "true" }).config.allowInsecure).to.equal(
        true,
      )
      const tls = { TRUST_REGISTRY_TLS_CERT: "cert.pem", TRUST_REGISTRY_TLS_KEY: "key.pem" }
      expect(loadConfig({ ...env, ...tls }).config.tlsKey).to.equal("key.pem")
    }
    for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
      expect(isLoopback(host), host).to.equal(true)
  })

  it("requires two database connections per worker", () => {
    expect(() => loadConfig({ TRUST_REGISTRY_WORKERS: "6" }))
      .to.throw(ConfigError)
      .with.property("message")
      .that.includes("TRUST_REGISTRY_DATABASE_CONNECTIONS is 10; must be at least 12 with 6 workers")
    expect(loadConfig({ TRUST_REGISTRY_WORKERS: "5" }).config.workers).to.equal(5)
  })

  it("requires certificate and key together, and both for client certificates", () => {
    expect(() => loadConfig({ TRUST_REGISTRY_TLS_CERT: "cert.pem" })).to.throw("go together")
    expect(() => loadConfig({}, { "tls-cert": "cert.pem" })).to.throw("--tls-cert and --tls-key go together")
    expect(() => loadConfig({ TRUST_REGISTRY_TLS_CERT: "cert.pem" }, { listen: "127.0.0.1:1" })).to.throw(
      "TRUST_REGISTRY_TLS_CERT and --tls-key go together",
    )
    expect(() => loadConfig({ TRUST_REGISTRY_TLS_CLIENT_CA: "ca.pem" })).to.throw(
      "needs TRUST_REGISTRY_TLS_CERT",
    )
  })

  it("requires messages large enough for a chain", () => {
    const env = { TRUST_REGISTRY_MAX_CHAIN_BYTES: "4194304" }
    expect(() => loadConfig(env)).to.throw("TRUST_REGISTRY_MAX_MESSAGE_BYTES")
  })

  it("warns about unknown variables that look like settings", () => {
    const env = { TRUST_REGISTRY_CACHE_ENTRYS: "5", TRUST_REGISTRY_ADDRESS: "localhost:1" }
    expect(loadConfig(env).warnings).to.have.lengthOf(1)
    expect(loadConfig(env).warnings[0]).to.include("TRUST_REGISTRY_CACHE_ENTRYS")
  })

  it("says nothing of the variables that Kubernetes sets for services of the same name", () => {
    const links = (service: string, address: string) => ({
      [`${service}_SERVICE_HOST`]: address,
      [`${service}_SERVICE_PORT`]: "50051",
      [`${service}_SERVICE_PORT_GRPC`]: "50051",
      [`${service}_PORT`]: `tcp://${address}:50051`,
      [`${service}_PORT_50051_TCP`]: `tcp://${address}:50051`,
      [`${service}_PORT_50051_TCP_PROTO`]: "tcp",
      [`${service}_PORT_50051_TCP_PORT`]: "50051",
      [`${service}_PORT_50051_TCP_ADDR`]: address,
    })
    for (const service of ["TRUST_REGISTRY", "TRUST_REGISTRY_METRICS", "TRUST_REGISTRY_2_READ"]) {
      for (const address of ["10.96.0.7", "fd00:10::7"])
        expect(loadConfig(links(service, address)).warnings, service).to.deep.equal([])
    }
    const { warnings } = loadConfig({
      ...links("TRUST_REGISTRY", "10.96.0.7"),
      TRUST_REGISTRY_METRICS_PORT: "9090",
      TRUST_REGISTRY_LISTEN_PORT: "50051",
      TRUST_REGISTRY_CACHE_ENTRYS: "5",
    })
    expect(warnings).to.have.lengthOf(3)
  })

  it("knows every variable that the container files set", () => {
    for (const name of ["Dockerfile", "docker-compose.yml"]) {
      const text = readFileSync(new URL(`../../${name}`, import.meta.url), "utf8")
      const set = text.match(/\bTRUST_REGISTRY_[A-Z_]+/g) ?? []
      expect(set, name).to.not.have.lengthOf(0)
      expect(rows().map(([, { variable }]) => variable)).to.include.members(set)
    }
  })

  it("matches docs/configuration.md", () => {
    const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8")
    expect(page, "run: npx trust-registry-server config --markdown > docs/configuration.md").to.equal(
      configMarkdown(),
    )
  })
})
