import { DocumentError, parseInstant } from "@trust-registry/eatp"
import { expect } from "chai"
import { authorityFromDocument } from "../../client/cli/authorities/authorityDocument.js"
import type { Command, Flag } from "../../client/cli/command.js"
import { COMMANDS } from "../../client/cli/commands.js"
import { momentOf } from "../../client/cli/flags/filterFlags.js"
import { CONNECTION_FLAGS } from "../../client/cli/flags/flags.js"
import { parse } from "../../client/cli/flags/parse.js"
import { UsageError } from "../../client/cli/usage.js"

const NO_TIMES = [
  ...[
    "2027-02-30T00:00:00Z",
    "Octopus 12 2030 Z",
    "tomorrow",
    "2030-01-01T00:00:00",
    "2030-01-01",
    "1893456000",
  ],
  ...[
    "2030-01-01T00:00:00.1234567Z",
    "2030-01-01T25:00:00Z",
    "-1",
    "0",
    "NaN",
    "Infinity",
    " 2030-01-01T00:00:00Z",
  ],
]
const NO_COUNTS = [
  "-1",
  "NaN",
  "Infinity",
  "-Infinity",
  "0.5",
  "1e3",
  "0x10",
  "007",
  " 1",
  "1 ",
  "",
  "9223372036854775808",
]

describe("what flags take", () => {
  for (const [name, command] of Object.entries(COMMANDS)) {
    for (const flag of flagsOf(command, "TIME"))
      it(`${name} --${flag} takes no time that is none`, () => {
        for (const text of NO_TIMES)
          expect(() => parse(command, [`--${flag}=${text}`]), text).to.throw(
            UsageError,
            `--${flag} must be a time`,
          )
      })

    for (const [flag, bounds] of numbersOf(command))
      it(`${name} --${flag} takes no number that is none, or out of its bounds`, () => {
        const [least, most] = bounds
        for (const text of [...NO_COUNTS, `${least - 1n}`, `${most + 1n}`])
          expect(() => parse(command, [`--${flag}=${text}`]), text).to.throw(
            UsageError,
            `--${flag} must be a whole number from`,
          )
      })
  }

  it("has bounds for every flag that takes a number", () => {
    const flags = Object.values(COMMANDS).flatMap((command) => Object.values(flagsIn(command)))
    expect(
      flags.filter(({ value, bounds }) => /^(N|REVISION)$/.test(value ?? "") && bounds === undefined),
    ).to.deep.equal([])
    expect(flags.filter(({ bounds }) => bounds)).to.have.length.above(20)
    expect(flags.filter(({ value }) => value === "TIME")).to.have.length.above(10)
  })

  it("is what an authority's document takes for the windows of its keys", () => {
    const read = (moment: string) =>
      authorityFromDocument(
        JSON.stringify({
          id: "a",
          name: "A",
          authority_type: "organization",
          keys: [{ public_key: "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", not_after: moment }],
          permissions: [],
        }),
      )
    for (const text of NO_TIMES) expect(() => read(text), text).to.throw(DocumentError, "must be a time")
    expect(read("2030-01-31T00:00:00.123456Z").authority.keys[0]?.notAfter?.nanos).to.equal(123_456_000)
  })

  it("keeps the microseconds of a time", () => {
    const { values } = parse(COMMANDS["revoke agent"] as Command, [
      "a",
      "--at",
      "2030-01-31T00:00:00.123456+01:00",
    ])
    expect(momentOf(values, "at")).to.include({
      ...parseInstant("2030-01-30T23:00:00.123456Z"),
      nanos: 123_456_000,
    })
  })
})

function flagsIn(command: Command): Record<string, Flag> {
  return { ...command.flags, ...(command.offline ? {} : CONNECTION_FLAGS) }
}

function flagsOf(command: Command, form: string): string[] {
  return Object.entries(flagsIn(command)).flatMap(([name, { value }]) => (value === form ? [name] : []))
}

function numbersOf(command: Command) {
  return Object.entries(flagsIn(command)).flatMap(([name, { bounds }]) =>
    bounds ? [[name, bounds] as const] : [],
  )
}
