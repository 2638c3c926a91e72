import { expect } from "chai"
import { assureDriver } from "../../server/dist/store/database/driverInternals.js"
import { openPool, type Sql } from "../../server/dist/store/database/sql.js"

describe("the driver check", () => {
  const query = {
    active: false,
    canceller: () => undefined,
    resolve: () => undefined,
    reject: () => undefined,
  }

  it("finds the internals that the server uses", () => {
    assureDriver(openPool("postgres://nobody@127.0.0.1:1/none", 1, () => undefined))
  })

  it("fails if any is missing, naming the version found and the one tested", () => {
    for (const name of Object.keys(query)) {
      const driver = driverOf({ ...query, [name]: undefined }, { onnotify: undefined })
      expect(() => assureDriver(driver)).to.throw(
        new RegExp(
          `^postgres\\.js 3\\.\\d+\\.\\d+ lacks .* \\(${name}\\): .* tested with postgres\\.js 3\\.4\\.9`,
        ),
      )
    }
    expect(() => assureDriver(driverOf(query, {}))).to.throw("(onnotify)")
    assureDriver(driverOf(query, { onnotify: undefined }))
  })
})

/** A driver whose queries are like that. */
function driverOf(query: object, options: object): Sql {
  return Object.assign(() => query, { options }) as unknown as Sql
}
