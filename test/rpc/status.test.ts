import { status as Code, Metadata } from "@grpc/grpc-js"
import { ErrorReason } from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"
import { type Failure, RegistryError } from "../../server/errors.js"
import { REASONS, type ReasonName } from "../../server/rpc/reasons.js"
import { sanitize } from "../../server/rpc/sanitize.js"
import { PlainStatusError, registryErrorOf, statusOf } from "../../server/rpc/status.js"
import { detailsOf } from "../support/calls.js"

/** The rows of the contract's table: reason and code. */
const CODES: Record<Exclude<ReasonName, "UNSPECIFIED">, keyof typeof Code> = {
  TRUST_CHAIN_NOT_FOUND: "NOT_FOUND",
  TRUST_CHAIN_EXPIRED: "FAILED_PRECONDITION",
  TRUST_CHAIN_INVALID: "INVALID_ARGUMENT",
  INVALID_REQUEST: "INVALID_ARGUMENT",
  REQUEST_ID_REUSED: "INVALID_ARGUMENT",
  REVISION_CONFLICT: "ABORTED",
  TRUST_CHAIN_INACTIVE: "FAILED_PRECONDITION",
  TRUST_CHAIN_REVOKED: "FAILED_PRECONDITION",
  DATABASE_UNAVAILABLE: "UNAVAILABLE",
  OVERLOADED: "RESOURCE_EXHAUSTED",
  TRUST_CHAIN_CORRUPT: "DATA_LOSS",
  INTERNAL: "INTERNAL",
  CANCELLED: "CANCELLED",
  DEADLINE_EXCEEDED: "DEADLINE_EXCEEDED",
  SHUTTING_DOWN: "UNAVAILABLE",
  AUTHORITY_NOT_FOUND: "NOT_FOUND",
  AUTHORITY_INVALID: "INVALID_ARGUMENT",
  AUTHORITY_EXISTS: "ALREADY_EXISTS",
  AUTHORITY_CORRUPT: "DATA_LOSS",
  REVISION_COMPACTED: "OUT_OF_RANGE",
  TRUST_RECORD_NOT_FOUND: "NOT_FOUND",
  REVOCATION_NOT_FOUND: "NOT_FOUND",
  REVOCATION_FINAL: "FAILED_PRECONDITION",
  BATCH_REFUSED: "ABORTED",
  AUTHORITY_INACTIVE: "FAILED_PRECONDITION",
  AUTHORITY_NOT_PERMITTED: "FAILED_PRECONDITION",
  VERIFICATION_LOST: "FAILED_PRECONDITION",
  AUTHORITY_CHANGED: "FAILED_PRECONDITION",
}

describe("the status of an error", () => {
  function statusFor(reason: ErrorReason, message: string, failure?: Failure) {
    const status = statusOf(new RegistryError(reason, message, failure))
    return { ...status, ...detailsOf(status as Required<typeof status>) }
  }

  for (const [name, code] of Object.entries(CODES)) {
    it(`maps ${name} to ${code}`, () => {
      const status = statusFor(ErrorReason[name as ReasonName], "so it is")
      expect(status.code).to.equal(Code[code])
      expect(status.status?.code).to.equal(Code[code])
      // What is wrong comes first, what to do about it after it.
      expect(status.details).to.match(/^so it is(; \S.*[^.])?$/)
      expect(status.status?.message).to.equal(status.details)
    })
  }

  it("sends the same delay as RetryInfo and as pushback, varied per caller", () => {
    const waits = Array.from({ length: 50 }, () => {
      const status = statusFor(ErrorReason.OVERLOADED, "full", { retryAfterMs: 1500 })
      const retryDelay = status.retry?.retryDelay
      const ms = Number(retryDelay?.seconds) * 1000 + Number(retryDelay?.nanos) / 1e6
      expect(status.metadata?.get("grpc-retry-pushback-ms")).to.deep.equal([String(ms)])
      return ms
    })
    expect(Math.min(...waits)).to.be.at.least(1500)
    expect(Math.max(...waits)).to.be.at.most(2250)
    expect(new Set(waits).size).to.be.above(1)
  })

  it("sends a delay exactly where the contract says RetryInfo", () => {
    for (const [name, { retryAfterMs }] of Object.entries(REASONS)) {
      const { metadata } = statusFor(ErrorReason[name as ReasonName], "m")
      expect(metadata?.get("grpc-retry-pushback-ms").length, name).to.equal(
        retryAfterMs === undefined ? 0 : 1,
      )
    }
  })

  it("suggests no retry that could not finish before the caller's deadline", () => {
    const pushback = (reason: ErrorReason, leftMs?: number) => {
      const { metadata } = statusOf(new RegistryError(reason, "m"), leftMs)
      return Number(metadata?.get("grpc-retry-pushback-ms")[0])
    }
    // A wait of 100 to 150 ms, and of 250 to 375 ms before an attempt that may take 2 s.
    expect(pushback(ErrorReason.OVERLOADED, 100)).to.equal(-1)
    expect(pushback(ErrorReason.OVERLOADED, 151)).to.be.within(100, 150)
    expect(pushback(ErrorReason.DATABASE_UNAVAILABLE, 2_250)).to.equal(-1)
    expect(pushback(ErrorReason.DATABASE_UNAVAILABLE, 2_376)).to.be.within(250, 375)
    expect(pushback(ErrorReason.DATABASE_UNAVAILABLE)).to.be.within(250, 375)
  })

  it("lists 16 violations, and counts the rest", () => {
    const violations = Array.from({ length: 1000 }, (_, i) => ({
      field: `chain.capabilities[${i}].id`,
      description: "is empty",
    }))
    const { badRequest } = statusFor(ErrorReason.TRUST_CHAIN_INVALID, "many", { violations })
    const fieldViolations = badRequest?.fieldViolations ?? []
    expect(fieldViolations).to.have.lengthOf(17)
    expect(fieldViolations[15]?.field).to.equal("chain.capabilities[15].id")
    expect(fieldViolations[16]).to.include({ field: "", description: "and 984 more" })
  })

  it("stays under 4 KiB and sendable, whatever the text", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 3000 }),
      fc.constant("\ud800\n".repeat(3000)),
      fc.constant("€".repeat(9000)),
    )
    const failure = fc.record({
      violations: fc.array(fc.record({ field: text, description: text }), { maxLength: 40 }),
      agentId: text,
      metadata: fc.dictionary(text, text, { maxKeys: 40 }),
      precondition: text,
    })
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(ErrorReason)),
        text,
        failure,
        (reason, message, failure) => {
          const { bytes, details = "" } = statusFor(reason, message, failure)
          expect(bytes).to.be.below(4096)
          expect(details).to.not.match(/\p{Cc}/u)
          // What grpc-js does with it, which throws for a lone surrogate; with the details in base64 it fits 8 kB.
          expect(encodeURI(details).length + (bytes * 4) / 3).to.be.below(7800)
        },
      ),
      { numRuns: 200 },
    )
  })

  it("keeps an id whole when violations are truncated", () => {
    const agentId = "a".repeat(512)
    const violations = Array.from({ length: 40 }, () => ({
      field: "f".repeat(400),
      description: "d".repeat(400),
    }))
    const { resource } = statusFor(ErrorReason.TRUST_CHAIN_INVALID, "m", { agentId, violations })
    expect(resource?.resourceName).to.equal(agentId)
  })

  it("hides unexpected errors", () => {
    const error = registryErrorOf(new TypeError("relation trust_secrets does not exist"))
    expect(error.reason).to.equal(ErrorReason.INTERNAL)
    const { details, metadata } = statusOf(error)
    expect(details).to.equal("internal error: the server's log tells more")
    expect(String(metadata?.get("grpc-status-details-bin")[0]))
      .to.include("INTERNAL")
      .and.not.include("trust_secrets")
    expect((error.cause as Error).message).to.include("trust_secrets")
  })

  it("keeps a plain status and its trailers", () => {
    const metadata = new Metadata()
    metadata.set("x-why", "so")
    const { status } = new PlainStatusError(Code.NOT_FOUND, "no such service", metadata)
    expect(status).to.include({ code: Code.NOT_FOUND, details: "no such service" })
    expect(status.metadata?.get("x-why")).to.deep.equal(["so"])
  })

  it("truncates between code points, and leaves short texts alone", () => {
    expect(sanitize("naïve", 6)).to.equal("naïve")
    expect(sanitize("😀😀😀", 8)).to.equal("😀…")
    expect(sanitize("a\r\nb\u2028c\ud800", 100)).to.equal("a b c\ufffd")
    expect(Buffer.byteLength(sanitize("€".repeat(50), 10))).to.be.at.most(10)
  })
})
