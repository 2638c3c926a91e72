import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt"
import {
  isBefore,
  isUpdatePath,
  type KeySigner,
  pathsSet,
  rotatedKeys,
  rotationOf,
  signDocument,
  updatedAuthority,
  verifyDocuments,
} from "@trust-registry/eatp"
import {
  type AuthorityDocument,
  AuthoritySchema,
  type AuthorityService,
  type DocumentProof,
  type Recognition,
  RecognitionSchema,
  type RegisterAuthorityRequestSchema,
  type RegisterAuthorityResponse,
  type RotateAuthorityKeyRequestSchema,
  type StoredAuthority,
  type UpdateAuthorityRequestSchema,
  type UpdateAuthorityResponse,
} from "@trust-registry/proto"
import type { RegistryLists } from "./lists.js"
import type { CallOptions } from "./options.js"
import { withoutRecognition, withRecognition } from "./recognitions.js"
import type { Calls } from "./rpc/calls.js"

/** Options of a change of an authority that its keys sign, so that it is the authority's own word. */
export interface SigningOptions extends CallOptions {
  /**
   * Who signs: at registration each of the keys; later a key that is in force, and each key that the change adds. Default: nobody;
   * the change is UNSIGNED, and denied by callers that pin what they know of the authority. A call is retried with what it signed; a
   * second call with the same `requestId` signs anew, at its own time, and is refused as REQUEST_ID_REUSED.
   */
  signers?: readonly KeySigner[] | undefined
  /**
   * Sign what the registry has, also where its documents do not lead to it from a document that one of the signers signed. Only
   * after you looked at every key in it: what is signed is the authority's word from then on. Default: false.
   */
  adopt?: boolean | undefined
}

/** A change of an authority that was not signed, because the signers never stood behind what the registry has. */
export class UnsignedAuthorityError extends Error {
  override readonly name = "UnsignedAuthorityError"
}

/** The changes of authorities that can be signed. */
export interface SignedChanges {
  /** Registers an authority. With signers, each of its keys must sign. */
  registerAuthority(
    request: MessageInitShape<typeof RegisterAuthorityRequestSchema>,
    options?: SigningOptions,
  ): Promise<RegisterAuthorityResponse>
  /** Updates an authority. With signers it reads the documents first, and throws UnsignedAuthorityError unless `adopt` is set. */
  updateAuthority(
    request: MessageInitShape<typeof UpdateAuthorityRequestSchema>,
    options?: SigningOptions,
  ): Promise<UpdateAuthorityResponse>
  /**
   * Adds a key to an authority and ends the windows of its older keys; returns the authority with all of them. With signers, of which
   * the new key must be one, it reads the documents first, and throws UnsignedAuthorityError unless `adopt` is set.
   */
  rotateAuthorityKey(
    request: MessageInitShape<typeof RotateAuthorityKeyRequestSchema>,
    options?: SigningOptions,
  ): Promise<StoredAuthority>
  /** Has an authority recognise what another one attests; as {@link updateAuthority} where it is signed. */
  recognise(
    request: { authorityId: string; recognition: MessageInitShape<typeof RecognitionSchema> },
    options?: SigningOptions,
  ): Promise<UpdateAuthorityResponse>
  /** Has it no longer recognise another authority: for these names or patterns, as they were written; unset: for none. */
  unrecognise(
    request: { authorityId: string; recognisedId: string; capabilities?: readonly string[] | undefined },
    options?: SigningOptions,
  ): Promise<UpdateAuthorityResponse>
  /** An authority with all its documents, for `pinnedAuthorities` and `verifyDocuments`. */
  authorityEvidence(authorityId: string, options?: CallOptions): Promise<StoredAuthority>
}

interface Registry
  extends Pick<Calls<typeof AuthorityService, CallOptions>, "registerAuthority" | "updateAuthority">,
    Pick<RegistryLists, "listAuthorityDocuments"> {
  getAuthority(request: { authorityId: string }, options?: CallOptions): Promise<StoredAuthority>
  rotateAuthorityKey: SignedChanges["rotateAuthorityKey"]
}

/** Returns the changes, which sign where there are signers. */
export function signedChanges(registry: Registry): SignedChanges {
  const authorityEvidence = async (authorityId: string, options?: CallOptions) => {
    const stored = await registry.getAuthority({ authorityId }, options)
    const documents: AuthorityDocument[] = []
    const request = { authorityId, atRevision: stored.record?.revision ?? 0n, pageSize: 1_000 }
    for await (const document of registry.listAuthorityDocuments(request, options)) documents.push(document)
    return { ...stored, documents }
  }
  const currentOf = async (authorityId: string, options: SigningOptions, signers: readonly KeySigner[]) =>
    newestDocument(await authorityEvidence(authorityId, options), signers, options.adopt === true)
  const updateRecognised = async (
    id: string,
    options: SigningOptions,
    next: (recognised: readonly Recognition[]) => Recognition[],
  ) => {
    const { signers = [], adopt = false } = options
    const evidence = await authorityEvidence(id, options)
    const authority =
      signers.length > 0 ? newestDocument(evidence, signers, adopt).authority : evidence.authority
    const request = {
      authority: { id, recognised: next(authority?.recognised ?? []) },
      updateMask: { paths: ["recognised"] },
      expectedRevision: evidence.record?.revision ?? 0n,
    }
    return await changes.updateAuthority(request, options)
  }
  const changes: SignedChanges = {
    authorityEvidence,

    recognise: ({ authorityId, recognition }, options = {}) =>
      updateRecognised(authorityId, options, (recognised) =>
        withRecognition(recognised, create(RecognitionSchema, recognition)),
      ),

    unrecognise: ({ authorityId, recognisedId, capabilities = [] }, options = {}) =>
      updateRecognised(authorityId, options, (recognised) =>
        withoutRecognition(recognised, recognisedId, capabilities),
      ),

    async registerAuthority(request, options = {}) {
      const { signers = [] } = options
      if (signers.length === 0 || !request.authority)
        return await registry.registerAuthority(request, options)
      const authority = create(AuthoritySchema, request.authority)
      const proof = await signDocument(authority, undefined, timestampFromMs(Date.now()), signers)
      return await registry.registerAuthority({ ...request, authority, proof }, options)
    },

    async updateAuthority(request, options = {}) {
      const { signers = [] } = options
      if (signers.length === 0 || !request.authority) return await registry.updateAuthority(request, options)
      const changes = create(AuthoritySchema, request.authority)
      const before = await currentOf(changes.id, options, signers)
      const named = request.updateMask?.paths ?? []
      const paths = named.length > 0 ? named.filter(isUpdatePath) : pathsSet(changes)
      const authority = updatedAuthority(before.authority, changes, paths)
      const proof = await signDocument(authority, before, momentAfter(before.proof), signers)
      return await registry.updateAuthority({ ...request, authority: changes, proof }, options)
    },

    async rotateAuthorityKey(request, options = {}) {
      const { signers = [] } = options
      if (signers.length === 0) return await registry.rotateAuthorityKey(request, options)
      const { authorityId = "", keyId = "", publicKey = "", overlap } = request
      const before = await currentOf(authorityId, options, signers)
      const signedAt = momentAfter(before.proof)
      const { seconds = 0n, nanos = 0 } = overlap ?? {}
      const effectiveAt = { ...signedAt, ...request.effectiveAt }
      const rotation = rotationOf({ effectiveAt, overlap: { seconds, nanos } }, signedAt)
      // The registry refuses the times, and says why.
      if ("field" in rotation) return await registry.rotateAuthorityKey(request, options)
      const keys = rotatedKeys(before.authority, { keyId, publicKey }, rotation)
      const authority = create(AuthoritySchema, { ...before.authority, keys })
      const proof = await signDocument(authority, before, signedAt, signers)
      return await registry.rotateAuthorityKey({ ...request, effectiveAt, proof }, options)
    },
  }
  return changes
}

/**
 * What the next document is made of, from the documents and not from what the registry says their hash is: a key that somebody
 * slipped in must not be signed.
 */
function newestDocument(evidence: StoredAuthority, signers: readonly KeySigner[], adopt: boolean) {
  const authorityId = evidence.authority?.id ?? ""
  const publicKeys = signers.map(({ publicKey }) => publicKey)
  const { problem } = verifyDocuments(evidence, { authorityId, publicKeys })
  if (problem !== undefined && !adopt)
    throw new UnsignedAuthorityError(
      `what the registry has of authority ${JSON.stringify(authorityId)} was not signed by these keys: ${problem}. ` +
        "Look at its keys, and sign what is there with `adopt` (--adopt) if all of them are yours",
    )
  const { authority, proof } = evidence.documents.at(-1) ?? {}
  if (!authority) throw new UnsignedAuthorityError("the registry returned no document of the authority")
  return { authority, proof }
}

/** Now, or just after the document before where that is dated later. */
function momentAfter(before: DocumentProof | undefined): Timestamp {
  const now = timestampFromMs(Date.now())
  const last = before?.signedAt
  if (!last || isBefore(last, now)) return now
  const carry = last.nanos === 999_999_999
  return { ...now, seconds: last.seconds + (carry ? 1n : 0n), nanos: carry ? 0 : last.nanos + 1 }
}
