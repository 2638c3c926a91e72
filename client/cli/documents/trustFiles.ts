import { type Known, MakeError, type StoredTrust, type TrustAuthority } from "@trust-registry/eatp"
import type { TrustLineageChain } from "@trust-registry/proto"
import { trustAuthority } from "../../trustAuthority.js"
import { authorityFromDocument } from "../authorities/authorityDocument.js"
import type { Flag, Values } from "../command.js"
import { UsageError } from "../usage.js"
import { openDocuments, openTexts, problemOf } from "./documents.js"

/** Flags that name files with what a chain rests on. */
export const TRUST_FLAGS = {
  authorities: {
    type: "string",
    value: "FILE",
    help: "the authorities that signed, as `authority get` prints them",
  },
  chains: {
    type: "string",
    value: "FILE",
    help: "the chains of those who delegated, and of those who delegated to them",
  },
} as const satisfies Record<string, Flag>

/** What the flags' files hold. */
export type TrustFiles = Known & {
  chains: Map<string, StoredTrust>
  authorities: Map<string, TrustAuthority>
}

/** Reads the files that the flags name; throws a UsageError for a document that is none. */
export async function trustFilesOf({ authorities, chains }: Values<typeof TRUST_FLAGS>): Promise<TrustFiles> {
  const found: TrustFiles = { chains: new Map(), authorities: new Map() }
  if (authorities !== undefined) await readAuthorities(authorities, found)
  if (chains !== undefined) for (const chain of await readChains(chains)) addChain(found, chain)
  return found
}

/** Adds a chain, in force. */
export function addChain({ chains }: Pick<TrustFiles, "chains">, chain: TrustLineageChain): void {
  chains.set(chain.genesis?.agentId ?? "", { chain, active: true })
}

/** The agents who delegated to those whose chains are there, or to one more, and whose own chains are missing. */
export function missingDelegators({ chains }: TrustFiles, ...more: TrustLineageChain[]): string[] {
  const delegatees = [...more, ...Array.from(chains.values(), ({ chain }) => chain)]
  const delegators = delegatees.flatMap(({ delegations }) =>
    delegations.map(({ delegatorId }) => delegatorId),
  )
  return [...new Set(delegators)].filter((agentId) => !chains.has(agentId))
}

/**
 * Makes what builds on the files' chains; where one of them does not hold, the error names the flags of the files that may
 * be missing.
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

/** Names the flag of the file that has a chain. */
export function missingChain(agentId: string): string {
  return `the chain of ${JSON.stringify(agentId)} is missing: --chains FILE`
}

const REVOKED_KEYS = "keys that --authorities marks with revoked_at count for nothing"

const MISSING_KEYS =
  "if other keys signed it, --authorities FILE tells those of its authorities, older ones too"

/** The one chain that a file holds, and its agent. */
export async function oneChain(file: string): Promise<{ chain: TrustLineageChain; agentId: string }> {
  const [chain, ...more] = await readChains(file)
  if (chain?.genesis === undefined || more.length > 0)
    throw new UsageError(`${file} must hold one chain, and with its genesis record`)
  return { chain, agentId: chain.genesis.agentId }
}

/** Throws a UsageError where standard input is asked for more than once. */
export function assertOneReader(files: readonly (string | undefined)[]): void {
  if (files.filter((file) => file === "-").length > 1)
    throw new UsageError("standard input (-) can be read for one thing only")
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

async function readAuthorities(file: string, { authorities }: TrustFiles) {
  for await (const document of (await openTexts([file])).read()) {
    if (document.text === undefined)
      throw new UsageError(`${document.file}:${document.line}: ${document.problem}`)
    try {
      const authority = trustAuthority(authorityFromDocument(document.text))
      authorities.set(authority.id, authority)
    } catch (error) {
      throw new UsageError(`${document.file}:${document.line}: ${problemOf(error, document.line)}`)
    }
  }
}
