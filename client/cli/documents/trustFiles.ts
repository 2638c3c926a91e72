import { create, fromJsonString } from "@bufbuild/protobuf"
import {
  type AuthorityAnchor,
  DocumentError,
  JsonObject,
  type Known,
  MakeError,
  parseJson,
  pinnedAuthorities,
  type StoredTrust,
  type TrustAuthority,
  trustAuthority,
} from "@trust-registry/eatp"
import { type StoredAuthority, StoredAuthoritySchema, type TrustLineageChain } from "@trust-registry/proto"
import { authorityFromDocument } from "../authorities/authorityDocument.js"
import type { Flag, Values } from "../command.js"
import { UsageError } from "../usage.js"
import { openDocuments, openTexts, problemOf } from "./documents.js"

/** Flags for files with the chains and authorities that a chain depends on. */
export const TRUST_FLAGS = {
  authorities: {
    type: "string",
    value: "FILE",
    help: "the authorities that signed, as printed by `authority get`",
  },
  chains: {
    type: "string",
    value: "FILE",
    help: "the chains of the delegators, all the way up",
  },
} as const satisfies Record<string, Flag>

/** The content of these files. */
export type TrustFiles = Known & {
  chains: Map<string, StoredTrust>
  authorities: Map<string, TrustAuthority>
}

/**
 * Reads the files that the flags name. Throws a UsageError for an invalid document.
 *
 * @param anchors what the user knows of authorities; undefined: they are believed as they are in the file
 */
export async function trustFilesOf(
  { authorities, chains }: Values<typeof TRUST_FLAGS>,
  anchors?: readonly AuthorityAnchor[],
): Promise<TrustFiles> {
  const found: TrustFiles = { chains: new Map(), authorities: new Map() }
  if (authorities !== undefined) await readAuthorities(authorities, found, anchors)
  if (chains !== undefined) for (const chain of await readChains(chains)) addChain(found, chain)
  return found
}

/** Adds a chain as an active one. */
export function addChain({ chains }: Pick<TrustFiles, "chains">, chain: TrustLineageChain): void {
  chains.set(chain.genesis?.agentId ?? "", { chain, active: true })
}

/** Returns the delegators of the chains in the files, and of the given ones, whose own chains are missing. */
export function missingDelegators({ chains }: TrustFiles, ...more: TrustLineageChain[]): string[] {
  const delegatees = [...more, ...Array.from(chains.values(), ({ chain }) => chain)]
  const delegators = delegatees.flatMap(({ delegations }) =>
    delegations.map(({ delegatorId }) => delegatorId),
  )
  return [...new Set(delegators)].filter((agentId) => !chains.has(agentId))
}

/**
 * Creates a chain that builds on those in the files. If one of them does not verify, the error names the flags of files
 * that may be missing.
 */
export async function withFileHints<Made>(
  files: TrustFiles,
  { authorities }: Values<typeof TRUST_FLAGS>,
  make: () => Promise<Made>,
): Promise<Made> {
  try {
    return await make()
  } catch (error) {
    if (!(error instanceof MakeError) || error.code !== "SOURCE_INVALID") throw error
    const hints = missingDelegators(files).map(missingChain)
    if (hints.length === 0 && authorities === undefined) hints.push(MISSING_KEYS)
    if (Array.from(files.authorities.values()).some(({ keys }) => keys.some(({ revoked }) => revoked)))
      hints.push(REVOKED_KEYS)
    throw new MakeError(error.code, [error.message, ...hints].join("; "))
  }
}

/** Returns a hint that a chain is missing, with the flag for its file. */
export function missingChain(agentId: string): string {
  return `the chain of ${JSON.stringify(agentId)} is missing: --chains FILE`
}

const REVOKED_KEYS = "keys with revoked_at in --authorities verify nothing"

const MISSING_KEYS = "if other keys signed it, pass all keys of its authorities with --authorities FILE"

/** Returns the one chain of a file, and its agent. */
export async function oneChain(file: string): Promise<{ chain: TrustLineageChain; agentId: string }> {
  const [chain, ...more] = await readChains(file)
  if (chain?.genesis === undefined || more.length > 0)
    throw new UsageError(`${file} must contain exactly one chain, with its genesis record`)
  return { chain, agentId: chain.genesis.agentId }
}

/** Throws a UsageError if standard input is used more than once. */
export function assertOneReader(files: readonly (string | undefined)[]): void {
  if (files.filter((file) => file === "-").length > 1)
    throw new UsageError("standard input (-) can be used only once")
}

async function readChains(file: string): Promise<TrustLineageChain[]> {
  const chains: TrustLineageChain[] = []
  for await (const document of (await openDocuments([file])).read()) {
    if (document.chain === undefined)
      throw new UsageError(`${document.file}:${document.line}: ${document.problem}`)
    chains.push(document.chain)
  }
  return chains
}

async function readAuthorities(
  file: string,
  { authorities }: TrustFiles,
  anchors: readonly AuthorityAnchor[] | undefined,
) {
  for await (const document of (await openTexts([file])).read()) {
    if (document.text === undefined)
      throw new UsageError(`${document.file}:${document.line}: ${document.problem}`)
    try {
      const evidence = evidenceOf(document.text)
      if (anchors === undefined) {
        const { authority, record } = evidence
        if (authority) authorities.set(authority.id, trustAuthority(authority, record))
      } else for (const [id, pinned] of pinnedAuthorities([evidence], anchors)) authorities.set(id, pinned)
    } catch (error) {
      throw new UsageError(`${document.file}:${document.line}: ${problemOf(error, document.line)}`)
    }
  }
}

/** An authority as `authority documents` prints it, or as `authority get` does, without documents then. */
function evidenceOf(text: string): StoredAuthority {
  const root = parseJson(text)
  if (!(root instanceof JsonObject) || !root.has("documents")) {
    const { authority, inactive } = authorityFromDocument(text)
    return create(StoredAuthoritySchema, { authority, record: { isActive: !inactive } })
  }
  try {
    return fromJsonString(StoredAuthoritySchema, text)
  } catch (error) {
    throw new DocumentError("documents", error instanceof Error ? error.message : String(error))
  }
}
