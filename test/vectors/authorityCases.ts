import { create, toJsonString } from "@bufbuild/protobuf"
import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import {
  type AuthorityAnchor,
  type Document,
  documentHash,
  documentText,
  type Json,
  rotatedKeys,
  signDocument,
  verifyDocuments,
} from "@trust-registry/eatp"
import {
  type Authority,
  type AuthorityDocument,
  AuthorityDocumentSchema,
  AuthorityPermission,
  AuthoritySchema,
  AuthorityType,
  RecognitionSchema,
  StoredAuthoritySchema,
} from "@trust-registry/proto"
import { signerOf } from "../support/trustWorld.js"
import { object } from "./documents.js"
import type { Vectors } from "./trustCases.js"

const at = (day: number) => timestampFromMs(Date.UTC(2026, 8, day, 12))

/** Documents of authorities with their bytes, hashes and signatures; then chains of documents, and whether an anchor vouches for them. */
export async function authorityVectors(): Promise<Record<string, Vectors>> {
  const chain = await ownChain()
  const [first, second, third] = chain
  if (!first || !second || !third) throw new Error("a document is missing")
  const unsigned = created({
    authority: { ...third.authority, name: "Slipped in" } as Authority,
    previous: third,
  })
  const key = { keyId: "k1", publicKey: signerOf("org-a").publicKey }
  const authorityType = AuthorityType.SYSTEM
  const least = create(AuthoritySchema, { id: "org-small", name: "S", authorityType, keys: [key] })
  const small = created({ authority: least })
  const documents = { first, rotation: second, recognition: third, unsigned, "as small as can be": small }
  const pins: [string, AuthorityDocument[], AuthorityAnchor][] = [
    ["a key of the first", chain, { authorityId: "org-a", publicKeys: [signerOf("org-a").publicKey] }],
    ["a key of the second", chain, { authorityId: "org-a", publicKeys: [signerOf("org-a 2").publicKey] }],
    ["the hash of the newest", chain, { authorityId: "org-a", documentHash: third.hash }],
    ["another key", chain, { authorityId: "org-a", publicKeys: [signerOf("org-b").publicKey] }],
    ["another authority", chain, { authorityId: "org-b", publicKeys: [signerOf("org-a").publicKey] }],
    ["a document is left out", [first, third], { authorityId: "org-a", documentHash: first.hash }],
    ["an unsigned change", [...chain, unsigned], { authorityId: "org-a", documentHash: first.hash }],
    [
      "an unsigned change that is pinned",
      [...chain, unsigned],
      { authorityId: "org-a", documentHash: unsigned.hash },
    ],
  ]
  return {
    authority_documents: {
      description:
        "Documents of authorities: canonical bytes, hashes, signatures, and what anchors vouch for",
      cases: Object.entries(documents).map(documentCase),
      extra: { chain_cases: pins.map(chainCase) },
    },
  }
}

function authority(): Authority {
  return create(AuthoritySchema, {
    id: "org-a",
    name: 'Ä "quoted" \u2028 name',
    authorityType: AuthorityType.ORGANIZATION,
    keys: [
      {
        keyId: "k1",
        publicKey: signerOf("org-a").publicKey,
        notBefore: { seconds: 1_756_000_000n, nanos: 120_000_000 },
      },
    ],
    permissions: [AuthorityPermission.GRANT_CAPABILITIES, AuthorityPermission.CREATE_AGENTS],
    metadataJson: '{"b": 1.0, "a": 1e16}',
  })
}

async function ownChain(): Promise<AuthorityDocument[]> {
  const [one, two] = [signerOf("org-a"), signerOf("org-a 2")]
  const first = await signed(authority(), undefined, 1, [one])
  const keys = rotatedKeys(
    first.authority,
    { keyId: "k2", publicKey: two.publicKey },
    { at: at(2), end: at(3) },
  )
  const second = await signed({ ...first.authority, keys }, first, 2, [one, two])
  const window = { notBefore: at(1), notAfter: { seconds: 1_800_000_000n, nanos: 1 } }
  const recognised = [
    create(RecognitionSchema, { authorityId: "org-b", capabilities: ["read_*", "write"], ...window }),
  ]
  const changes = { recognised, parentAuthorityId: "org-top" } as Partial<Authority>
  const third = await signed({ ...second.authority, ...changes }, second, 4, [two])
  return [first, second, third].map(({ authority, proof }) => created({ authority, proof }))
}

async function signed(
  next: Authority,
  before: Document | undefined,
  day: number,
  signers: ReturnType<typeof signerOf>[],
) {
  const authority = create(AuthoritySchema, next)
  return { authority, proof: await signDocument(authority, before, at(day), signers) }
}

function created({
  authority,
  proof,
  previous,
}: Document & { previous?: AuthorityDocument }): AuthorityDocument {
  const noted = previous && { previousHash: previous.hash }
  const document = create(AuthorityDocumentSchema, {
    authority,
    ...((proof ?? noted) && { proof: proof ?? noted }),
  })
  document.hash = documentHash({ authority, proof: document.proof })
  return document
}

function documentCase([name, document]: [string, AuthorityDocument]): Json {
  if (!document.authority) throw new Error("a document is missing")
  const canonical = documentText({ authority: document.authority, proof: document.proof })
  return object({ name, document_json: textOf(document), canonical, canonical_sha256: document.hash })
}

function chainCase([name, documents, anchor]: [string, AuthorityDocument[], AuthorityAnchor]): Json {
  const { authorityId, publicKeys = [], documentHash = null } = anchor
  const authority = documents.at(-1)?.authority
  const evidence = create(StoredAuthoritySchema, { documents, ...(authority && { authority }) })
  return object({
    name,
    documents_json: documents.map(textOf),
    authority_id: authorityId,
    public_keys: [...publicKeys],
    document_hash: documentHash,
    vouches: verifyDocuments(evidence, anchor).problem === undefined,
  })
}

function textOf(document: AuthorityDocument): string {
  return toJsonString(AuthorityDocumentSchema, document, { useProtoFieldName: true })
}
