import type { Timestamp } from "@bufbuild/protobuf/wkt"
import {
  atOnce,
  chainHash,
  contentHash,
  contentText,
  effectiveExpiry,
  inTurns,
  isExpired,
  momentProblem,
  nextTurn,
  type ShapeLimits,
  shapeSteps,
} from "@trust-registry/eatp"
import {
  ErrorReason,
  encodedLength,
  type TrustLineageChain,
  TrustLineageChainSchema,
} from "@trust-registry/proto"
import { type FieldViolation, RegistryError } from "../../errors.js"
import type { Document } from "../../store/chains/writes.js"
import { microsOf } from "../../store/rows/micros.js"
import { sentenceOf } from "../request/fields.js"

/** The parts of StoreChainRequest and UpdateChainRequest that make a document. */
export interface DocumentRequest {
  chain?: TrustLineageChain | undefined
  expiresAt?: Timestamp | undefined
  chainHash: string
}

/** A chain that passed every check, ready to be written. */
export interface CheckedDocument extends Omit<Document, "signatureStatus" | "depends"> {
  agentId: string
  chain: TrustLineageChain
}

/**
 * Validates a chain and derives the columns stored beside it, in turns with others. Throws TRUST_CHAIN_INVALID with a violation for
 * every field that breaks a rule.
 *
 * @param now microseconds since 1970; undefined to take an expired chain too
 * @param bytes what {@link bytesOf} gave
 */
export async function checkedDocument(
  request: DocumentRequest,
  limits: ShapeLimits,
  now: bigint | undefined,
  bytes = bytesOf(request),
): Promise<CheckedDocument> {
  const { chain } = request
  if (!chain?.genesis) throw invalidChain([missing(chain)])
  const steps = shapeSteps(chain, limits, undefined, bytes)
  const found = bytes > LARGE_BYTES ? await inTurns(steps) : atOnce(steps)
  const violations = [...found, ...expiryViolations(request)]
  if (violations.length > 0) throw invalidChain(violations, chain.genesis.agentId)
  const document = await derive(chain, chain.genesis, bytes, request.expiresAt)
  if (now !== undefined && document.expiresAt !== undefined && isExpired(document.expiresAt, now))
    throw invalidChain([expired(document.expiresAt, request)], chain.genesis.agentId)
  if (request.chainHash !== "" && request.chainHash !== document.chainHash)
    throw invalidChain(
      [{ field: "chain_hash", description: `does not match the chain, whose hash is ${document.chainHash}` }],
      document.agentId,
    )
  return document
}

/** The size of the chain of a request in protobuf's binary form; 0 if it has none. */
export function bytesOf({ chain }: DocumentRequest): number {
  return chain ? encodedLength(TrustLineageChainSchema, chain) : 0
}

/** Chains of more bytes get turns of their own: each step takes some 10 ms for the largest. Usual ones would only wait for others. */
const LARGE_BYTES = 65_536

async function derive(
  chain: TrustLineageChain,
  genesis: NonNullable<TrustLineageChain["genesis"]>,
  bytes: number,
  requestExpiry: Timestamp | undefined,
): Promise<CheckedDocument> {
  if (bytes > LARGE_BYTES) await nextTurn()
  const json = contentText(chain)
  if (bytes > LARGE_BYTES) await nextTurn()
  return {
    agentId: genesis.agentId,
    chain,
    authorityId: genesis.authorityId,
    json,
    bytes,
    chainHash: chainHash(chain),
    contentHash: contentHash(chain, json),
    expiresAt: atMostLatest(effectiveExpiry(chain, requestExpiry && microsOf(requestExpiry))),
  }
}

/** Caps at the end of 9999 in UTC: with a western offset that year ends later, beyond google.protobuf.Timestamp's range. */
function atMostLatest(moment: bigint | undefined): bigint | undefined {
  return moment !== undefined && moment > LATEST_MICROS ? LATEST_MICROS : moment
}

const LATEST_MICROS = 253_402_300_799_999_999n

function expiryViolations({ expiresAt }: DocumentRequest): FieldViolation[] {
  const fault = expiresAt && momentProblem(expiresAt)
  return fault ? [{ field: "expires_at", description: fault }] : []
}

function missing(chain: TrustLineageChain | undefined): FieldViolation {
  return { field: chain ? "chain.genesis" : "chain", description: "is missing" }
}

function expired(expiresAt: bigint, request: DocumentRequest): FieldViolation {
  const own = request.expiresAt && microsOf(request.expiresAt) === expiresAt
  const moment = new Date(Number(expiresAt / 1000n)).toISOString()
  return { field: own ? "expires_at" : "chain", description: `has expired: it was valid until ${moment}` }
}

function invalidChain(violations: FieldViolation[], agentId?: string): RegistryError {
  return new RegistryError(
    ErrorReason.TRUST_CHAIN_INVALID,
    `the chain is refused: ${sentenceOf(violations)}`,
    {
      violations,
      ...(agentId === undefined ? {} : { agentId }),
    },
  )
}
