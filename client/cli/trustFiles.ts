import type { Known, StoredTrust, TrustAuthority } from "@trust-registry/eatp"
import type { TrustLineageChain } from "@trust-registry/proto"
import { trustAuthority } from "../trustAuthority.js"
import { authorityFromDocument } from "./authorityDocument.js"
import type { Flag, Values } from "./command.js"
import { openDocuments, openTexts, problemOf } from "./documents.js"
import { UsageError } from "./usage.js"

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
    help: "the chains of those who lent, and of those who lent to them",
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

/** The one chain that a file holds, and its agent. */
export async function oneChain(file: string): Promise<{ chain: TrustLineageChain; agentId: string }> {
  const [chain, ...more] = await readChains(file)
  if (chain?.genesis === undefined || more.length > 0)
    throw new UsageError(`${file} must hold one chain, and with its genesis record`)
  return { chain, agentId: chain.genesis.agentId }
}

/** Throws a UsageError where standard input is asked for more than once. */
export function assureOneReader(files: readonly (string | undefined)[]): void {
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
