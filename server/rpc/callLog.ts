import { MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt"
import { status as Code } from "@grpc/grpc-js"
import { visibleName } from "@trust-registry/eatp"
import type { RegistryError } from "../errors.js"
import type { Log } from "../log.js"
import type { RpcContext } from "./context.js"
import { nameOf, REASONS } from "./reasons.js"
import { sanitize } from "./sanitize.js"

/** Logs a call that was answered: writes at `info`, reads at `debug` (a line per read costs a tenth of the hits). */
export function logAnswer(log: Log, context: RpcContext): void {
  const level = isWrite(context) ? "info" : "debug"
  if (log.isLevelEnabled(level)) log[level](factsOf(context, "OK"), "answered")
}

/**
 * Logs a call that failed: at `info` where the caller is at fault, at `warn` where the server is, and an unforeseen error in
 * full at `error`. Names the fields of violations but not their values, which are parts of documents.
 */
export function logError(log: Log, context: RpcContext, error: RegistryError): void {
  const reason = nameOf(error.reason)
  const { code, fault } = REASONS[reason]
  const facts = { ...factsOf(context, Code[code]), reason, fields: fieldsOf(error) }
  if (code === Code.INTERNAL) log.error({ ...facts, err: error.cause ?? error }, "failed")
  else if (fault === "server") log.warn({ ...facts, err: error.cause }, "failed")
  else log.info(facts, "refused")
}

/** Logs a failed item of a bulk call where the server is at fault. Refused items are only counted. */
export function logItemError(log: Log, context: RpcContext, error: RegistryError): void {
  if (REASONS[nameOf(error.reason)].fault === "server") logError(log, context, error)
}

/** Logs a call that failed with a status of another contract than ours. */
export function logPlainStatus(log: Log, context: RpcContext, code: Code): void {
  log.info(factsOf(context, Code[code]), "refused")
}

/** Health and reflection do not set the option, and change nothing. */
function isWrite({ method }: RpcContext) {
  return (
    method.idempotency !== Level.NO_SIDE_EFFECTS &&
    method.parent.file.proto.package.startsWith("trustregistry.")
  )
}

function factsOf({ method, agentId, authorityId, counts, startedAt, peer }: RpcContext, code: string) {
  const ms = Math.round((performance.now() - startedAt) * 1000) / 1000
  const subject = { agent_id: idText(agentId), authority_id: idText(authorityId) }
  return { method: `${method.parent.typeName}/${method.name}`, ...subject, ...counts, code, ms, peer }
}

function idText(id: string | undefined) {
  return id === undefined ? undefined : visibleName(sanitize(id, MAX_ID_BYTES))
}

const MAX_ID_BYTES = 512

function fieldsOf({ failure }: RegistryError) {
  return failure.violations?.slice(0, MAX_FIELDS).map(({ field }) => sanitize(field, 128))
}

const MAX_FIELDS = 4
