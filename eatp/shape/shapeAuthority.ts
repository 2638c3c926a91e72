import { type Authority, type AuthorityKey, AuthoritySchema, encodedLength } from "@trust-registry/proto"
import { publicKeyOf } from "../signing/keys.js"
import { type ShapeContext, type ShapeLimits, shapeContext, type Violation } from "./shapeContext.js"
import { checkRecognised, RECOGNITION_LIMITS } from "./shapeRecognition.js"
import { checkRecord } from "./shapeRecord.js"
import { checkWindow } from "./shapeWindow.js"

/** How large an authority may be. */
export const AUTHORITY_LIMITS = {
  /** Bytes as protobuf. */
  maxBytes: 65_536,
  /** Keys, including retired ones: 64 rotations every 90 days take 16 years. */
  maxKeys: 64,
  /** Bytes of UTF-8 of the name. */
  maxNameBytes: 512,
  ...RECOGNITION_LIMITS,
} as const

/**
 * Checks an authority by itself; gives a violation for each field that breaks a rule, with paths that begin with `path`.
 * Whether its parent exists is for the registry to check.
 */
export function checkAuthorityShape(
  authority: Authority,
  limits: ShapeLimits,
  path = "authority",
): Violation[] {
  const context = shapeContext(limits)
  const { maxBytes, maxKeys, maxRecognised } = AUTHORITY_LIMITS
  const bytes = encodedLength(AuthoritySchema, authority)
  if (bytes > maxBytes) context.report(path, `has ${bytes} bytes encoded; at most ${maxBytes} are allowed`)
  if (authority.keys.length > maxKeys)
    context.report(`${path}.keys`, `has ${authority.keys.length} keys; at most ${maxKeys} are allowed`)
  if (authority.recognised.length > maxRecognised)
    context.report(
      `${path}.recognised`,
      `has ${authority.recognised.length} recognitions; at most ${maxRecognised} are allowed`,
    )
  // An authority that is too large is not checked further.
  if (context.violations.length > 0) return context.violations
  checkRecord(AuthoritySchema, authority, path, context)
  checkName(authority.name, path, context)
  checkPermissions(authority, path, context)
  if (authority.parentAuthorityId === authority.id)
    context.report(`${path}.parent_authority_id`, "is the authority itself")
  checkKeys(authority.keys, `${path}.keys`, context)
  checkRecognised(authority, `${path}.recognised`, context)
  return context.violations
}

function checkName(name: string, path: string, { report }: ShapeContext) {
  const { maxNameBytes } = AUTHORITY_LIMITS
  if (name === "") report(`${path}.name`, `must not be empty: a name is 1 to ${maxNameBytes} bytes`)
  const bytes = Buffer.byteLength(name)
  if (bytes > maxNameBytes)
    report(`${path}.name`, `is ${bytes} bytes long: a name is 1 to ${maxNameBytes} bytes`)
}

function checkPermissions({ permissions }: Authority, path: string, { report }: ShapeContext) {
  for (const [index, permission] of permissions.entries()) {
    const first = permissions.indexOf(permission)
    if (first < index) report(`${path}.permissions[${index}]`, `is the same as permissions[${first}]`)
  }
}

function checkKeys(keys: readonly AuthorityKey[], path: string, { report }: ShapeContext) {
  if (keys.length === 0) report(path, "must have at least one key")
  const ids = new Map<string, number>()
  const publicKeys = new Map<string, number>()
  for (const [index, key] of keys.entries()) {
    const at = `${path}[${index}]`
    if (publicKeyOf(key.publicKey) === undefined) report(`${at}.public_key`, NO_KEY)
    checkWindow(key, at, report)
    const sameId = ids.get(key.keyId)
    if (sameId !== undefined) report(`${at}.key_id`, `is that of keys[${sameId}]: ids are distinct`)
    ids.set(key.keyId, sameId ?? index)
    // With two ids, a key revoked under one would stay valid under the other.
    const sameKey = publicKeys.get(key.publicKey)
    if (sameKey !== undefined) report(`${at}.public_key`, `is that of keys[${sameKey}]: keys are distinct`)
    publicKeys.set(key.publicKey, sameKey ?? index)
  }
}

const NO_KEY = "must be an Ed25519 public key: canonical base64 of 32 bytes, not of small order"
