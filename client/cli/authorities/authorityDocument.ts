import { createHash } from "node:crypto"
import { create, toJson } from "@bufbuild/protobuf"
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt"
import {
  compactJson,
  DocumentError,
  INSTANT_FORM,
  type Json,
  JsonObject,
  numberOf,
  parseInstant,
  parseJson,
  usualPermissions,
  wordOf,
  wordsOf,
} from "@trust-registry/eatp"
import {
  type Authority,
  type AuthorityKey,
  AuthorityKeySchema,
  type AuthorityPermission,
  AuthorityPermissionSchema,
  AuthoritySchema,
  type AuthorityType,
  AuthorityTypeSchema,
  type Recognition,
  RecognitionSchema,
} from "@trust-registry/proto"

/**
 * Reads an authority from JSON with the contract's names and EATP's words. It has `keys` or, like EATP's
 * OrganizationalAuthority, one `public_key` and optionally `signing_key_id`.
 *
 * One without `permissions`, such as EATP's own, and without a parent has the usual ones: `granted`.
 *
 * @throws JsonSyntaxError if the text is not JSON or repeats a key; DocumentError if it is not an authority.
 */
export function authorityFromDocument(text: string): ReadAuthority {
  const root = objectOf(parseJson(text), "", KNOWN)
  const active = root.get("is_active") ?? true
  if (typeof active !== "boolean") throw new DocumentError("is_active", "must be true or false")
  const authority = authorityOf(root)
  const granted = root.get("permissions") === undefined && authority.parentAuthorityId === undefined
  if (granted) authority.permissions = usualPermissions()
  return { authority, inactive: !active, granted }
}

/** An authority as its document has it. */
export interface ReadAuthority {
  authority: Authority
  inactive: boolean
  /** Its permissions are the usual ones, since the document says nothing of them. */
  granted: boolean
}

function authorityOf(root: JsonObject): Authority {
  const parent = optionalText(root, "parent_authority_id")
  const metadata = root.get("metadata") === undefined ? undefined : root.textOf("metadata")
  return create(AuthoritySchema, {
    id: requiredText(root, "id"),
    name: requiredText(root, "name"),
    authorityType: authorityTypeOf(requiredText(root, "authority_type"), "authority_type"),
    keys: keysOf(root),
    permissions: listOf(root, "permissions").map((word, i) => permissionOf(word, `permissions[${i}]`)),
    ...(parent === undefined ? {} : { parentAuthorityId: parent }),
    ...(metadata === undefined ? {} : { metadataJson: metadata }),
    recognised: recognisedIn(root),
  })
}

/**
 * Writes an authority on one line, in the form that {@link authorityFromDocument} reads, with `is_active` if it is not. Metadata
 * keep their text.
 */
export function documentFromAuthority(authority: Authority, isActive = true): string {
  const { id, name, authorityType, keys, permissions, parentAuthorityId, metadataJson, recognised } =
    authority
  const members = {
    id,
    name,
    authority_type: wordOf(AuthorityTypeSchema, authorityType),
    keys: keys.map(keyJson),
    permissions: permissions.map((permission) => wordOf(AuthorityPermissionSchema, permission)),
    parent_authority_id: parentAuthorityId ?? null,
    ...(recognised.length > 0 ? { recognised: recognised.map(recognitionJson) } : {}),
    ...(isActive ? {} : { is_active: false }),
  }
  return `${JSON.stringify(members).slice(0, -1)},"metadata":${compactJson(metadataJson ?? "{}")}}`
}

/** Returns the authority type of EATP's word. Throws a DocumentError for an unknown word. */
export function authorityTypeOf(word: string, path: string): AuthorityType {
  const number = numberOf(AuthorityTypeSchema, word)
  if (number === undefined)
    throw new DocumentError(path, `must be one of ${wordsOf(AuthorityTypeSchema).join(", ")}`)
  return number as AuthorityType
}

/** Returns the permission of EATP's word. Throws a DocumentError for an unknown word. */
export function permissionOf(word: Json, path: string): AuthorityPermission {
  const number = typeof word === "string" ? numberOf(AuthorityPermissionSchema, word) : undefined
  if (number === undefined)
    throw new DocumentError(path, `must be one of ${wordsOf(AuthorityPermissionSchema).join(", ")}`)
  return number as AuthorityPermission
}

/** The id of a key that has none: the first 16 hexadecimal digits of the SHA-256 of its bytes. */
export function keyIdOf(publicKey: string): string {
  return createHash("sha256").update(Buffer.from(publicKey, "base64")).digest("hex").slice(0, 16)
}

const ONE_KEY = ["public_key", "signing_key_id"]
/** The registry sets these itself. */
const SET_BY_REGISTRY = ["created_at", "updated_at"]
const FIELDS = [
  "id",
  "name",
  "authority_type",
  "keys",
  "permissions",
  "parent_authority_id",
  "metadata",
  "recognised",
  "is_active",
]
const KNOWN = new Set([...FIELDS, ...ONE_KEY, ...SET_BY_REGISTRY])
const WINDOW = ["not_before", "not_after"]
/** Only on revoked keys, which are registered as revoked. */
const REVOKED = ["revoked_at", "compromised_at"]
const KNOWN_OF_RECOGNITION = new Set(["authority_id", "capabilities", ...WINDOW])
const KNOWN_OF_KEY = new Set(["key_id", "public_key", ...WINDOW, ...REVOKED])

function keysOf(root: JsonObject): AuthorityKey[] {
  if (!ONE_KEY.some((name) => root.has(name)))
    return listOf(root, "keys").map((key, i) =>
      keyOf(objectOf(key, `keys[${i}]`, KNOWN_OF_KEY), `keys[${i}]`),
    )
  if (root.has("keys")) throw new DocumentError("public_key", "cannot be combined with keys")
  const publicKey = requiredText(root, "public_key")
  const keyId = optionalText(root, "signing_key_id") ?? keyIdOf(publicKey)
  return [create(AuthorityKeySchema, { keyId, publicKey })]
}

function keyOf(key: JsonObject, path: string): AuthorityKey {
  const publicKey = requiredText(key, "public_key", path)
  const notBefore = momentOf(key, "not_before", path)
  const notAfter = momentOf(key, "not_after", path)
  const revokedAt = momentOf(key, "revoked_at", path)
  const compromisedAt = momentOf(key, "compromised_at", path)
  return create(AuthorityKeySchema, {
    keyId: optionalText(key, "key_id", path) ?? keyIdOf(publicKey),
    publicKey,
    ...(notBefore ? { notBefore } : {}),
    ...(notAfter ? { notAfter } : {}),
    ...(revokedAt ? { revokedAt } : {}),
    ...(compromisedAt ? { compromisedAt } : {}),
  })
}

function recognisedIn(root: JsonObject): Recognition[] {
  return listOf(root, "recognised").map((item, i) => {
    const path = `recognised[${i}]`
    const recognition = objectOf(item, path, KNOWN_OF_RECOGNITION)
    const notBefore = momentOf(recognition, "not_before", path)
    const notAfter = momentOf(recognition, "not_after", path)
    const capabilities = listOf(recognition, "capabilities").map((name) => {
      if (typeof name !== "string") throw new DocumentError(`${path}.capabilities`, "must be strings")
      return name
    })
    return create(RecognitionSchema, {
      authorityId: requiredText(recognition, "authority_id", path),
      capabilities,
      ...(notBefore ? { notBefore } : {}),
      ...(notAfter ? { notAfter } : {}),
    })
  })
}

function recognitionJson({ authorityId, capabilities, notBefore, notAfter }: Recognition) {
  return {
    authority_id: authorityId,
    capabilities,
    not_before: momentJson(notBefore),
    not_after: momentJson(notAfter),
  }
}

function momentJson(at: Timestamp | undefined) {
  return at ? toJson(TimestampSchema, at) : null
}

function keyJson({ keyId, publicKey, notBefore, notAfter, revokedAt, compromisedAt }: AuthorityKey) {
  return {
    key_id: keyId,
    public_key: publicKey,
    not_before: momentJson(notBefore),
    not_after: momentJson(notAfter),
    ...(revokedAt ? { revoked_at: momentJson(revokedAt), compromised_at: momentJson(compromisedAt) } : {}),
  }
}

function momentOf(object: JsonObject, name: string, path: string): Timestamp | undefined {
  const text = optionalText(object, name, path)
  if (text === undefined) return undefined
  // Not protobuf-es's fromJson: it takes 30 February for 2 March.
  const instant = parseInstant(text)
  if (!instant) throw new DocumentError(`${path}.${name}`, `must be ${INSTANT_FORM}`)
  return create(TimestampSchema, instant)
}

function objectOf(value: Json, path: string, known: ReadonlySet<string>): JsonObject {
  if (!(value instanceof JsonObject)) throw new DocumentError(path, "must be an object")
  for (const name of value.keys())
    if (!known.has(name)) throw new DocumentError(pathOf(path, name), "is not a known key")
  return value
}

function listOf(object: JsonObject, name: string): Json[] {
  const value = object.get(name) ?? []
  if (!Array.isArray(value)) throw new DocumentError(name, "must be an array")
  return value
}

function requiredText(object: JsonObject, name: string, path = ""): string {
  const text = optionalText(object, name, path)
  if (text === undefined) throw new DocumentError(pathOf(path, name), "is missing")
  return text
}

function optionalText(object: JsonObject, name: string, path = ""): string | undefined {
  const value = object.get(name) ?? undefined
  if (value === undefined || typeof value === "string") return value
  throw new DocumentError(pathOf(path, name), "must be a string")
}

function pathOf(path: string, name: string) {
  return path === "" ? name : `${path}.${name}`
}
