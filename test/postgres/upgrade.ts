import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { AuthorityProof, AuthorityService } from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo } from "../support/calls.js"
import { freshDatabase } from "../support/postgres.js"
import { startRegistry } from "../support/server.js"
import { OWNER, psql } from "./programs.js"
import { appliedIn } from "./released.js"
import { servesAsBefore } from "./state.js"

const RELEASES = join(import.meta.dirname, "..", "releases")

describe("a database of an earlier release", function () {
  this.timeout(120_000)

  for (const version of readdirSync(RELEASES)) {
    const read = (name: string) => readFileSync(join(RELEASES, version, name), "utf8")

    it(`${version} is served as before, and changes go on`, async () => {
      const target = await freshDatabase()
      await psql(target.connection, OWNER, read("database.sql"))
      await servesAsBefore(target, JSON.parse(read("state.json")))
    })

    it(`${version} has authorities that are UNSIGNED, each with the documents that led to it`, async () => {
      const target = await freshDatabase()
      await psql(target.connection, OWNER, read("database.sql"))
      const registry = await startRegistry({}, target)
      const line = connectTo(registry.address)
      const { getAuthority, listAuthorityDocuments } = line.calls(AuthorityService)
      const { stored } = await getAuthority({ authorityId: "org-a" })
      const { documents } = await listAuthorityDocuments({ authorityId: "org-a" })
      expect(stored?.record?.proof).to.equal(AuthorityProof.UNSIGNED)
      expect(documents.at(-1)?.hash).to.equal(stored?.record?.documentHash)
      expect(new Set(documents.map(({ hash }) => hash)).size).to.equal(documents.length)
      line.close()
      await registry.stop()
    })

    it(`${version} gets a higher schema version with any change of the schema since`, async () => {
      const target = await freshDatabase()
      await psql(target.connection, OWNER, read("database.sql"))
      const registry = await startRegistry({}, target)
      const before = await appliedIn(read("database.sql"))
      const now = await registry.sql<{ name: string; version: number; checksum: string }[]>`
        select name, version, checksum from trust_migrations order by name`
      const highest = Math.max(...before.map((row) => row.version))
      for (const row of now) {
        const was = before.find(({ name }) => name === row.name)
        if (was?.checksum !== row.checksum) expect(row.version, row.name).to.be.above(highest)
      }
      await registry.stop()
    })
  }
})
