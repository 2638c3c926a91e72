import { readFile } from "node:fs/promises"
import { expect } from "chai"
import { migrate } from "../../server/dist/store/database/migrate.js"
import { openPool } from "../../server/dist/store/database/sql.js"
import { freshDatabase } from "../support/postgres.js"
import { SCHEMA_FILE, schemaText } from "./schemaText.js"

describe("the schema", () => {
  it("is the one in server/schema/schema.sql; if not, look at what changed and run npm run schema:dump", async () => {
    const database = await freshDatabase()
    const sql = openPool(database.connection, 1, () => {})
    await migrate(sql)
    await sql.end()
    expect(await schemaText(database.connection)).to.equal(await readFile(SCHEMA_FILE, "utf8"))
    await database.drop()
  })
})
