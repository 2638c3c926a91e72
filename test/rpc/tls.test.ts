import { readFileSync } from "node:fs"
import { connect as connectTls } from "node:tls"
import { fileURLToPath } from "node:url"
import { status as Code, credentials } from "@grpc/grpc-js"
import { TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, failureOf } from "../support/calls.js"
import { trustRegistry } from "../support/commandLine.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { until } from "../support/until.js"

/** Made for these tests, good for a hundred years; the keys guard nothing. */
const file = (name: string) => fileURLToPath(new URL(`../support/tls/${name}`, import.meta.url))
const read = (name: string) => readFileSync(file(name))
const TLS = { tlsCert: file("server.pem"), tlsKey: file("server.key") }

describe("TLS", () => {
  it("serves callers that trust the certificate, and only over TLS", async () => {
    const registry = await startRegistry(TLS)
    const trusting = connectTo(byName(registry), credentials.createSsl(read("ca.pem")))
    const plain = connectTo(registry.address)
    const doubting = connectTo(byName(registry), credentials.createSsl())
    try {
      const { record } = await trusting.calls(TrustStoreService).storeChain({ chain: sampleChain("a") })
      expect(record?.updatedBy).to.equal("peer:127.0.0.1")
      for (const other of [plain, doubting]) {
        expect((await failureOf(other.calls(TrustStoreService).countChains({}))).code).to.equal(
          Code.UNAVAILABLE,
        )
      }
    } finally {
      for (const connection of [trusting, plain, doubting]) connection.close()
      await registry.stop()
    }
  })

  it("requires a client certificate if TLS_CLIENT_CA is set, and records its subject", async () => {
    const registry = await startRegistry({ ...TLS, tlsClientCa: file("ca.pem") })
    const known = connectTo(
      byName(registry),
      credentials.createSsl(read("ca.pem"), read("client.key"), read("client.pem")),
    )
    const unknown = connectTo(byName(registry), credentials.createSsl(read("ca.pem")))
    try {
      const { record } = await known.calls(TrustStoreService).storeChain({ chain: sampleChain("a") })
      expect(record?.updatedBy).to.equal("cert:O=Acme\\, Inc.,CN=agent-7")
      expect((await failureOf(unknown.calls(TrustStoreService).countChains({}))).code).to.equal(
        Code.UNAVAILABLE,
      )
    } finally {
      known.close()
      unknown.close()
      await registry.stop()
    }
  })

  it("logs handshakes that fail, with the reason, the peer and how many, and counts them", async () => {
    const registry = await startRegistry({
      ...TLS,
      tlsClientCa: file("ca.pem"),
      metricsListen: { host: "127.0.0.1", port: 0 },
    })
    const failures = () => registry.log.filter(({ msg }) => msg === "TLS handshake failed")
    const reasonOf = async (own: ReturnType<typeof credentials.createSsl>) => {
      const before = failures().length
      const line = connectTo(byName(registry), own)
      await failureOf(line.calls(TrustStoreService).countChains({}))
      line.close()
      const { level, reason, count, peer } = await until("it is logged", () => failures()[before])
      expect({ level, count, peer }).to.deep.equal({ level: "warn", count: 1, peer: "127.0.0.1" })
      return reason
    }
    try {
      const stranger = credentials.createSsl(read("ca.pem"), read("client.key"), read("workload.pem"))
      expect(await reasonOf(stranger)).to.equal("UNABLE_TO_VERIFY_LEAF_SIGNATURE")
      expect(await reasonOf(credentials.createInsecure())).to.match(/^ERR_SSL_/)
      const before = failures().length
      const [host, port] = registry.address.split(":")
      const rejected = Array.from({ length: 100 }, async () => {
        const socket = connectTls({ host, port: Number(port), rejectUnauthorized: false })
        socket.on("error", () => undefined).resume()
        await new Promise((resolve) => socket.once("close", resolve))
      })
      await Promise.all(rejected)
      expect(failures().length - before).to.be.within(1, 50)
      const metrics = registry.log.find(({ msg }) => msg === "serving metrics")?.metrics
      const text = await (await fetch(`http://${metrics}/metrics`)).text()
      const [, total] = /^trust_registry_tls_handshakes_failed_total (\d+)$/m.exec(text) ?? []
      expect(Number(total)).to.be.at.least(102)
    } finally {
      await registry.stop()
    }
  })

  it("writes a workload down by its SPIFFE URI, another by its subject or its fingerprint, and a NUL as \\00", async () => {
    const registry = await startRegistry({ ...TLS, tlsClientCa: file("clients-ca.pem"), logLevel: "error" })
    try {
      for (const [name, actor] of [
        ["workload", /^cert:URI=spiffe:\/\/example\.org\/ns\/a\/sa\/b$/],
        ["nameless", /^cert:SHA256=(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/],
        ["nul", /^cert:CN=admin\\00eve$/],
      ] as const) {
        const own = credentials.createSsl(read("ca.pem"), read("client.key"), read(`${name}.pem`))
        const line = connectTo(byName(registry), own)
        try {
          const { record } = await line.calls(TrustStoreService).storeChain({ chain: sampleChain(name) })
          expect(record?.updatedBy).to.match(actor)
        } finally {
          line.close()
        }
      }
    } finally {
      await registry.stop()
    }
  })

  it("is explained by the command line if something is missing", async () => {
    const plain = await startRegistry({ logLevel: "error" })
    const served = await startRegistry({ ...TLS, logLevel: "error" })
    const asking = await startRegistry({ ...TLS, tlsClientCa: file("ca.pem"), logLevel: "error" })
    const ca = ["--tls-ca", file("ca.pem")]
    const own = ["--tls-cert", file("client.pem"), "--tls-key", file("client.key")]
    const run = (registry: TestRegistry, flags: string[]) =>
      trustRegistry(["get", "a", ...flags], { address: byName(registry) })
    try {
      for (const [registry, flags, hint] of [
        [plain, ca, "the registry does not use TLS: omit the --tls flags"],
        [plain, ["--tls"], "the registry does not use TLS: omit the --tls flags"],
        [served, [], "does not accept gRPC without TLS: if it uses TLS, use --tls-ca FILE"],
        [served, ["--tls"], "is not from a trusted authority: use --tls-ca FILE"],
        [asking, ca, "requires a client certificate: use --tls-cert FILE and --tls-key FILE"],
      ] as const) {
        const { code, err } = await run(registry, [...flags])
        expect(err)
          .to.contain(hint)
          .and.match(/^a: UNAVAILABLE: .*\n$/)
        expect(code).to.equal(5)
      }
      expect((await run(asking, [...ca, ...own])).code).to.equal(3)
      const wrong = await run(served, ["--tls-ca", file("server.key")])
      expect(wrong.err).to.match(
        /^trust-registry: --tls-ca .*server\.key contains no certificate in PEM; see --help\n$/,
      )
      expect(wrong.code).to.equal(2)
    } finally {
      for (const registry of [plain, served, asking]) await registry.stop()
    }
  })

  it("prevents the start if files are missing or do not match, and names them", async () => {
    expect(await startFailure({ ...TLS, tlsKey: file("client.key") })).to.include(
      "TRUST_REGISTRY_TLS_KEY cannot be used for TLS",
    )
    expect(await startFailure({ ...TLS, tlsCert: file("none.pem") })).to.match(
      /^TRUST_REGISTRY_TLS_CERT is ".*none\.pem", which cannot be read: ENOENT$/,
    )
    expect(await startFailure({ ...TLS, tlsClientCa: file("server.key") })).to.include(
      "TRUST_REGISTRY_TLS_CLIENT_CA",
    )
  })
})

/** Certificates name hosts. */
function byName({ address }: TestRegistry) {
  return address.replace("127.0.0.1", "localhost")
}

async function startFailure(changes: Parameters<typeof startRegistry>[0]) {
  return await startRegistry(changes).then(
    async (registry) => {
      await registry.stop()
      return "it started"
    },
    (error: Error) => error.message,
  )
}
