import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { parseDatabaseUrl } from "../../server/dist/connection/databaseUrl.js"
import { maskUrl } from "../../server/dist/connection/mask.js"
import { passwordFor } from "../../server/dist/connection/passfile.js"

describe("DATABASE_URL", () => {
  const hostsOf = (url: string) => parseDatabaseUrl(url).hosts.map(({ host, port }) => `${host} ${port}`)

  it("has the parts that libpq finds", () => {
    const target = parseDatabaseUrl(
      "postgresql://a%40nn:p%2F%3A%20?%23#:w@db.example:6432/my%20db?application_name=x",
    )
    expect(target).to.deep.include({ user: "a@nn", password: "p/: ?##:w", database: "my db" })
    expect(target.startup).to.deep.equal({ application_name: "x" })
    expect(target.hosts).to.deep.equal([{ host: "db.example", address: "", port: 6432 }])
    expect(parseDatabaseUrl("postgres://ann@h")).to.deep.include({ database: "ann", password: "" })
    expect(parseDatabaseUrl("postgres://h/db?user=ann&password=s%26t&dbname=other")).to.deep.include({
      user: "ann",
      password: "s&t",
      database: "other",
    })
  })

  it("names hosts in every form, and falls back to none", () => {
    expect(hostsOf("postgres://ann@[::1]:6000/db")).to.deep.equal(["::1 6000"])
    expect(hostsOf("postgres://ann@[fe80::1%25eth0]/db")).to.deep.equal(["fe80::1%eth0 5432"])
    expect(hostsOf("postgres://ann@a:1,[2001:db8::7],c:3/db")).to.deep.equal([
      "a 1",
      "2001:db8::7 5432",
      "c 3",
    ])
    expect(hostsOf("postgres://ann@%2Frun%2Fpostgresql/db")).to.deep.equal(["/run/postgresql 5432"])
    expect(hostsOf("postgres:///db?host=/run/pg&port=7")).to.deep.equal(["/run/pg 7"])
    expect(hostsOf("postgres:///db?host=a,b&port=7")).to.deep.equal(["a 7", "b 7"])
    expect(parseDatabaseUrl("postgres://a,b/db?hostaddr=10.0.0.1,10.0.0.2").hosts[1]).to.deep.equal({
      host: "b",
      address: "10.0.0.2",
      port: 5432,
    })
  })

  it("honours libpq's parameters", () => {
    const { encryption, ...target } = parseDatabaseUrl(
      "postgres://ann@h/db?sslmode=verify-full&sslrootcert=/ca.pem&sslcert=/c&sslkey=/k&sslpassword=p&sslnegotiation=direct" +
        "&channel_binding=prefer&gssencmode=disable&keepalives_idle=7&connect_timeout=9&target_session_attrs=read-write" +
        "&load_balance_hosts=random&options=-csearch_path%3Dx&client_encoding=auto&passfile=/p&ssl_min_protocol_version=TLSv1.3",
    )
    expect(encryption).to.deep.include({
      mode: "verify-full",
      rootCert: "/ca.pem",
      cert: "/c",
      key: "/k",
      keyPassword: "p",
      direct: true,
      minVersion: "TLSv1.3",
    })
    expect(target).to.deep.include({ keepAliveS: 7, connectTimeoutMs: 9_000, random: true, passfile: "/p" })
    expect(target.startup).to.deep.equal({ application_name: "trust-registry", options: "-csearch_path=x" })
    expect(parseDatabaseUrl("postgres://ann@h/db").encryption.mode).to.equal("prefer")
    expect(parseDatabaseUrl("postgres://ann@h/db?ssl=true").encryption.mode).to.equal("require")
    expect(parseDatabaseUrl("postgres://ann@h/db?sslmode=require&sslrootcert=/ca").encryption.mode).to.equal(
      "verify-ca",
    )
    expect(parseDatabaseUrl("postgres://ann@h/db?sslrootcert=system").encryption.mode).to.equal("verify-full")
  })

  const REFUSED: [query: string, named: string][] = [
    ["channel_binding=require", "channel_binding"],
    ["gssencmode=require", "gssencmode"],
    ["service=prod", "service"],
    ["require_auth=scram-sha-256", "require_auth"],
    ["requirepeer=postgres", "requirepeer"],
    ["sslcrldir=/x", "sslcrldir"],
    ["sslmode=allow", "sslmode"],
    ["sslmode=verify-full", "sslrootcert"],
    ["sslmode=require&sslrootcert=system", "verify-full"],
    ["sslcert=/c", "sslkey"],
    ["keepalives_count=3", "keepalives_count"],
    ["tcp_user_timeout=5", "tcp_user_timeout"],
    ["target_session_attrs=standby", "target_session_attrs"],
    ["connect_timeout=0", "connect_timeout"],
    ["client_encoding=LATIN1", "client_encoding"],
    ["replication=database", "replication"],
    ["toString=1", "toString"],
    ["pwd=s3cret", "pwd"],
    ["sslmode=disable&sslmode=require", "sslmode once"],
    ["sslmode", "?name=value"],
  ]
  for (const [query, named] of REFUSED)
    it(`refuses ?${query} by name`, () => {
      expect(() => parseDatabaseUrl(`postgres://ann@h/db?${query}`)).to.throw(named)
    })

  it("refuses what is no URL, or is ambiguous, and shows no password of it", () => {
    for (const text of [
      '"postgres://ann:s3cret@h/db"',
      " postgres://ann:s3cret@h/db",
      "postgres://ann:s3cret@h/db ",
      "postgres://ann:s3cret@h/db\n",
      "jdbc:postgresql://h/db?user=ann&password=s3cret",
      "host=h user=ann password=s3cret dbname=db",
      "Postgres://ann:s3cret@h/db",
      "postgres:/ann:s3cret@h/db",
      "postgres:ann:s3cret@h/db",
      "ann:s3cret@h/db",
      "postgres://ann:p@s3cret@h/db",
      "postgres://ann:p/s3cret@h/db",
      "postgres://ann:%zzs3cret@h/db",
      "postgres://h/db?pwd=s3cret",
      "postgres://h/db?pass%77ord2=s3cret",
      "postgres://h/db?password=s3cret&password=s3cret",
      "postgres://ann:s3cret@h:port/db",
      "postgres://h:s3cret/db",
      "postgres://ann:s3cret@",
      "postgres://[s3cret/db",
    ]) {
      expect(() => parseDatabaseUrl(text), text)
        .to.throw(Error)
        .with.property("message")
        .that.does.not.include("s3cret")
      expect(maskUrl(text), text).to.not.include("s3cret")
    }
    for (const text of [
      "postgres://a,b/db?port=1,2,3",
      "postgres://h:0/db",
      "postgres://h:65536/db",
      "postgres://::1/db",
      "postgres:///db",
    ])
      expect(() => parseDatabaseUrl(text), text).to.throw(Error)
  })

  it("is shown with what is no secret", () => {
    expect(maskUrl("postgres://ann@h/db?password=abc&s3cret"), "a password with an & of its own").to.equal(
      "postgres://ann@h/db?password=***&***",
    )
    expect(
      maskUrl("postgres://ann:s3cret@a:1,[::1]:2/db?sslmode=require&password=x&options=-cy%3Dz"),
    ).to.equal("postgres://ann:***@a:1,[::1]:2/db?sslmode=require&password=***&options=***")
    expect(maskUrl("postgres://ann:a?b#c/d@h/db")).to.equal("postgres://ann:***@h/db")
  })

  it("takes the first password of a passfile that fits, if nobody else can read the file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "passfile-"))
    const path = join(folder, "pass")
    writeFileSync(path, "# comment\nother:*:*:*:no\nh:5432:*:ann:p\\:q\\\\r\n*:*:*:*:last\n", { mode: 0o600 })
    const passwordOf = async (url: string) => {
      const target = parseDatabaseUrl(url)
      return await passwordFor(target, target.hosts[0] ?? { host: "", address: "", port: 0 })
    }
    expect(await passwordOf(`postgres://ann@h/db?passfile=${path}`)).to.equal("p:q\\r")
    expect(await passwordOf(`postgres://bob@h/db?passfile=${path}`)).to.equal("last")
    expect(await passwordOf(`postgres://bob:own@h/db?passfile=${path}`)).to.equal("own")
    chmodSync(path, 0o644)
    const failure = await passwordOf(`postgres://ann@h/db?passfile=${path}`).catch(
      (error: Error) => error.message,
    )
    expect(failure).to.include("chmod 600")
    rmSync(folder, { recursive: true })
  })
})
