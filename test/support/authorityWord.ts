import { create } from "@bufbuild/protobuf"
import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import {
  type Authority,
  AuthorityPermission,
  AuthoritySchema,
  AuthorityType,
  type DocumentProof,
  generateKeyPair,
  type KeySigner,
  type MemorySigner,
  memorySigner,
  signDocument,
  type TrustRegistry,
} from "@trust-registry/client"

/** Returns a signer with a key that nobody else has. */
export function newSigner(): MemorySigner {
  return memorySigner(generateKeyPair().privateKey)
}

/** Returns a sound authority with the keys of these signers, as k1, k2 and so on. */
export function authorityWith(id: string, ...signers: KeySigner[]): Authority {
  return create(AuthoritySchema, {
    id,
    name: `Authority ${id}`,
    authorityType: AuthorityType.ORGANIZATION,
    keys: signers.map(({ publicKey }, index) => ({ keyId: `k${index + 1}`, publicKey })),
    permissions: [AuthorityPermission.CREATE_AGENTS],
    metadataJson: '{"b": 1.0, "a": "é"}',
  })
}

/** Registers such an authority, signed. */
export async function registerSigned(sdk: TrustRegistry, id: string, ...more: KeySigner[]) {
  const signer = newSigner()
  const signers = [signer, ...more]
  const { record } = await sdk.registerAuthority({ authority: authorityWith(id, ...signers) }, { signers })
  return { signer, record }
}

/** Returns the newest document of an authority, as the registry has it. */
export async function newestDocument(sdk: TrustRegistry, authorityId: string) {
  const { authority, proof } = (await sdk.authorityEvidence(authorityId)).documents.at(-1) ?? {}
  if (!authority) throw new Error(`${authorityId} has no document`)
  return { authority, proof }
}

/** Signs what follows a document. */
export async function followedBy(
  before: { authority: Authority; proof?: DocumentProof | undefined },
  changes: Partial<Authority>,
  signers: readonly KeySigner[],
  ms = Date.now(),
): Promise<{ authority: Authority; proof: DocumentProof }> {
  const authority = create(AuthoritySchema, { ...before.authority, ...changes })
  return { authority, proof: await signDocument(authority, before, timestampFromMs(ms), signers) }
}
