import {
  isUuid,
  MAX_INT64,
  parseDuration,
  parseInstant,
  parseTime,
  parseWholeNumber,
} from "@trust-registry/eatp"
import { expect } from "chai"

describe("what people give", () => {
  const read: Record<string, bigint> = {
    "1970-01-01T00:00:00Z": 0n,
    "2028-02-29T23:59:59Z": 1_835_481_599_000_000n,
    "2030-01-31T12:00:00.123456+01:00": 1_896_087_600_123_456n,
    "2030-01-31T12:00:00.5-00:30": 1_896_093_000_500_000n,
    "2030-01-31T12:00:00.123456000Z": 1_896_091_200_123_456n,
    "0001-01-01T00:00:00Z": -62_135_596_800_000_000n,
    "9999-12-31T23:59:59.999999Z": 253_402_300_799_999_999n,
  }
  for (const [text, micros] of Object.entries(read))
    it(`reads ${text} to the microsecond, as EATP does`, () => {
      const { seconds = 0n, nanos = 0 } = parseInstant(text) ?? {}
      expect(seconds * 1_000_000n + BigInt(nanos / 1000)).to.equal(micros)
      expect(parseTime(text)?.utcMicros).to.equal(micros)
    })

  const refused = [
    ...["2027-02-30T00:00:00Z", "2027-02-29T00:00:00Z", "2027-13-01T00:00:00Z", "2027-00-10T00:00:00Z"],
    ...["2027-01-01T24:00:00Z", "2027-01-01T23:60:00Z", "2027-01-01T23:59:60Z", "2027-01-01T00:00:00+24:00"],
    ...[
      "Octopus 12 2030 Z",
      "Oct 12 2030 T Z",
      "tomorrow",
      "",
      "now",
      "0",
      "1896091200",
      "2030",
      "2030-01-31",
    ],
    ...["2030-01-31T00:00:00", "2030-01-31T00:00Z", "2030-01-31 00:00:00Z", "2030-01-31t00:00:00Z"],
    ...["2030-01-31T00:00:00z", "2030-01-31T00:00:00.Z", "2030-01-31T00:00:00,5Z", "20300131T000000Z"],
    ...[" 2030-01-31T00:00:00Z", "2030-01-31T00:00:00Z\n", "+002030-01-31T00:00:00Z", "2030-W05-4T00:00:00Z"],
    ...["2030-01-31T00:00:00.1234567Z", "2030-01-31T00:00:00.0000000001Z", "2030-01-31T00:00:00+0100"],
    ...[
      "0000-01-01T00:00:00Z",
      "0001-01-01T00:00:00+00:01",
      "9999-12-31T23:59:59-00:01",
      "2030-01-31T00:00:00+01",
    ],
    "２０３０-01-31T00:00:00Z",
  ]
  for (const text of refused)
    it(`refuses ${JSON.stringify(text)} for a moment`, () => expect(parseInstant(text)).to.equal(undefined))

  it("reads whole numbers within their bounds, and nothing that merely looks like one", () => {
    for (const text of ["0", "1", "2147483648", "9007199254740993", `${MAX_INT64}`])
      expect(parseWholeNumber(text, 0n, MAX_INT64), text).to.equal(BigInt(text))
    const wrong = [
      "",
      "-1",
      "+1",
      "1.0",
      "1e3",
      "0x10",
      "01",
      " 1",
      "1 ",
      "1n",
      "1_000",
      "١",
      "NaN",
      "Infinity",
    ]
    for (const text of [...wrong, `${MAX_INT64 + 1n}`, "9".repeat(1_000_000)])
      expect(parseWholeNumber(text, 0n, MAX_INT64), text.slice(0, 30)).to.equal(undefined)
    expect(parseWholeNumber("4", 5n, 9n)).to.equal(undefined)
    expect(parseWholeNumber("10", 5n, 9n)).to.equal(undefined)
  })

  it("reads durations with their unit", () => {
    expect(parseDuration("90s")).to.equal(90_000)
    expect(parseDuration("36500d")).to.equal(36_500 * 86_400_000)
    for (const text of [
      "",
      "0s",
      "-1s",
      "1",
      "s",
      "1.5h",
      "1w",
      "1S",
      "1 d",
      "36501d",
      "01d",
      "1h30m",
      "9223372036854775807d",
    ])
      expect(parseDuration(text), text).to.equal(undefined)
  })

  it("knows a UUID", () => {
    expect(isUuid("0B54e4a5-2f64-4c1e-9f0c-8d2cbbf4f6f3")).to.equal(true)
    for (const text of [
      "",
      "0b54e4a52f644c1e9f0c8d2cbbf4f6f3",
      "{0b54e4a5-2f64-4c1e-9f0c-8d2cbbf4f6f3}",
      "0b54e4a5-2f64-4c1e-9f0c-8d2cbbf4f6f3\n",
    ])
      expect(isUuid(text), text).to.equal(false)
  })
})
