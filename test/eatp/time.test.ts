import { parseTime } from "@trust-registry/eatp"
import { expect } from "chai"
import fc from "fast-check"

// Oddities of CPython 3.11.7's datetime.fromisoformat, each as python3.11 answers; null: ValueError.
const oddities: Record<string, string | null> = {
  "2026-01-02T03:04:05.123456789Z": "2026-01-02T03:04:05.123456+00:00",
  "2026-01-02T03:04:05,5": "2026-01-02T03:04:05.500000",
  "2026-01-02x03:04:05": "2026-01-02T03:04:05",
  "2026-01-02𝄞03:04:05": "2026-01-02T03:04:05",
  "2026-01-02\ud80003:04:05": "2026-01-02T03:04:05",
  "2026-01-02T03:04:05\ud800": null,
  "2026-W01-5": "2026-01-02T00:00:00",
  "2026W01": "2025-12-29T00:00:00",
  "2026-W01-0304": "2025-12-29T03:04:00",
  "2026-W53-7": "2027-01-03T00:00:00",
  "2025-W53-1": null,
  "9999-W52-6": null,
  "20260102T030405Z": "2026-01-02T03:04:05+00:00",
  "2026-01-02T0304": "2026-01-02T03:04:00",
  "2026-01-02T": null,
  "2026-01-02T03:04:05z": null,
  "2026-01-02T24:00:00": null,
  "2026-01-02T03:04:60": null,
  "2026-02-29": null,
  "10000-01-01": null,
  "0000-01-01": null,
  "2026-01-02T03:04:05+24:00": null,
  "2026-01-02T03:04:05-23:59:59.999999": "2026-01-02T03:04:05-23:59:59.999999",
  "2026-01-02T03:04:05+05:99": "2026-01-02T03:04:05+06:39",
  "2026-01-02T03:04:05+00:00:00.5": "2026-01-02T03:04:05+00:00",
  "2026-01-02T03:04:+05:00": "2026-01-02T03:04:00+05:00",
  "2026-01-02T03:04:05X+05:00": "2026-01-02T03:04:05+05:00",
  "2026-01-02T03:04:05é+05:00": null,
  "2026-01-02T03:04:05:12": "2026-01-02T03:04:05.120000",
  "2026-01-02T03:04:05 ": null,
  "２026-01-02": null,
  "": null,
}

describe("eatp: times as Python 3.11 reads them", () => {
  for (const [text, isoformat] of Object.entries(oddities)) {
    it(`reads ${JSON.stringify(text)} as ${isoformat ?? "no time"}`, () => {
      expect(parseTime(text)?.isoformat ?? null).to.equal(isoformat)
    })
  }

  it("distinguishes naive from aware times, and returns the instant in microseconds", () => {
    expect(parseTime("1970-01-01T00:00:00")).to.deep.include({ aware: false, utcMicros: undefined })
    expect(parseTime("1970-01-01T05:30:00.000001+05:30")).to.deep.include({ aware: true, utcMicros: 1n })
    expect(parseTime("1969-12-31T23:59:59.999999Z")?.utcMicros).to.equal(-1n)
    expect(parseTime("9999-12-31T23:59:59.999999Z")?.utcMicros).to.equal(253402300799999999n)
    expect(parseTime("0001-01-01T00:00:00Z")?.utcMicros).to.equal(-62135596800000000n)
  })

  it("agrees with Date on every instant that both can represent", () => {
    const dates = fc.date({
      min: new Date("0001-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59Z"),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(dates, (date) => {
        expect(parseTime(date.toISOString())?.utcMicros).to.equal(BigInt(date.getTime()) * 1000n)
      }),
    )
  })

  it("reads what it wrote, unchanged", () => {
    const text = fc.oneof(
      fc.constantFrom(...Object.keys(oddities)),
      fc.stringMatching(
        /^20\d\d-?[01]\d-?[0-3]\d[T ][0-2]\d:?[0-5]\d:?[0-5]\d([.,]\d{1,8})?(Z|[+-]\d\d(:?\d\d){0,2})?$/,
      ),
    )
    fc.assert(
      fc.property(text, (input) => {
        const time = parseTime(input)
        if (time !== undefined) expect(parseTime(time.isoformat)).to.deep.equal(time)
      }),
    )
  })
})
