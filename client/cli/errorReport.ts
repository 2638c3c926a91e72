import { status } from "@grpc/grpc-js"
import { MakeError, visible, visibleName } from "@trust-registry/eatp"
import { UnsignedAuthorityError } from "../authorityWord.js"
import {
  AuthorityInvalidError,
  type FieldViolation,
  InvalidRequestError,
  TrustChainInvalidError,
  TrustStoreError,
} from "../errors.js"
import type { Invocation } from "./command.js"
import { messageWithHint } from "./documents/connectionHint.js"
import type { Origin, ReadDocument } from "./documents/documents.js"
import { commandWords } from "./output/commandWords.js"

/** An error as it is printed. */
export interface ErrorReport {
  /** Where the document is that it is about. */
  origin?: Origin
  /** The agent it is about. */
  agentId?: string | undefined
  /** The authority it is about. */
  authorityId?: string | undefined
  /** The contract's reason, the name of the gRPC status, or INVALID_DOCUMENT. */
  reason?: string | undefined
  /** A sentence. */
  message: string
  /** The invalid fields. */
  violations?: readonly FieldViolation[]
}

/** Returns the report of an error that was thrown. */
export function errorReportOf(
  error: unknown,
  about: Pick<ErrorReport, "origin" | "agentId" | "authorityId"> = {},
): ErrorReport {
  if (error instanceof MakeError) return { ...about, reason: error.code, message: error.message }
  if (error instanceof UnsignedAuthorityError)
    return { ...about, reason: "AUTHORITY_UNSIGNED", message: error.message }
  if (!(error instanceof TrustStoreError)) return { ...about, message: messageOf(error) }
  return {
    ...about,
    agentId: about.agentId ?? error.agentId,
    authorityId: about.authorityId ?? error.authorityId,
    reason: error.reason ?? status[error.code],
    message: commandWords(messageWithHint(error)),
    violations: hasFields(error) ? error.violations.map(inCommandWords) : [],
  }
}

function inCommandWords({ field, description }: FieldViolation): FieldViolation {
  return { field: commandWords(field), description: commandWords(description) }
}

function hasFields(error: TrustStoreError) {
  return (
    error instanceof TrustChainInvalidError ||
    error instanceof AuthorityInvalidError ||
    error instanceof InvalidRequestError
  )
}

/** Returns the report about a document that could not be read, or whose request threw the error. */
export function documentErrorReport(document: ReadDocument, error?: unknown): ErrorReport {
  const origin = { file: document.file, line: document.line }
  if (document.chain === undefined) return { origin, reason: "INVALID_DOCUMENT", message: document.problem }
  return errorReportOf(error, { origin, agentId: document.chain.genesis?.agentId })
}

/** Writes a report to standard error, with `--json` as JSON. */
export function reportError(
  { json, err }: Pick<Invocation, "json" | "err">,
  report: ErrorReport,
): Promise<void> {
  return json ? err.json(errorJson(report)) : err.line(errorText(report))
}

/**
 * Formats a report for people: `FILE:LINE: AGENT or AUTHORITY: REASON: MESSAGE`, and a line for each field unless the
 * message already says it.
 */
export function errorText(report: ErrorReport): string {
  const { origin, agentId, authorityId, reason, message, violations = [] } = report
  const where = origin ? `${origin.file}:${origin.line}` : undefined
  const about = agentId ?? authorityId
  const head = [where, about === undefined ? about : visibleName(about), reason || undefined, message].filter(
    (part) => part !== undefined,
  )
  const fields = violations.map(({ field, description }) => `  ${field ? `${field}: ` : ""}${description}`)
  const repeated = fields.length === 1 && message.includes(violations[0]?.description ?? "")
  return [head.join(": "), ...(repeated ? [] : fields)].map(visible).join("\n")
}

/** Formats a report for programs, as one JSON object. */
export function errorJson(report: ErrorReport): string {
  const { origin, agentId, authorityId, reason, message, violations = [] } = report
  const about = { agent_id: agentId, authority_id: authorityId }
  return JSON.stringify({ ...origin, ...about, reason, message, violations: violations.map(plain) })
}

function plain({ field, description }: FieldViolation) {
  return { field, description }
}

function messageOf(error: unknown) {
  return error instanceof Error ? error.message : String(error)
}
