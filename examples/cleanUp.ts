import { AuthorityNotFoundError, ChainView, connect, type TrustRegistry } from "@trust-registry/client"

/**
 * Removes what an example has made: chains of agents whose ids begin with `prefix` are purged, authorities made inactive, since nothing
 * removes them. The example calls the returned function at its end; if it fails or is interrupted (Ctrl-C, SIGTERM), that happens by
 * itself.
 */
export function cleanUp(registry: TrustRegistry, prefix: string, authorityIds: readonly string[] = []) {
  const end = once(async () => {
    // Ends what is still going on, so that nothing is made any more.
    registry.close()
    const cleaner = connect(process.env.TRUST_REGISTRY_ADDRESS ?? "127.0.0.1:50051")
    while ((await purge(cleaner, prefix)) > 0);
    for (const authorityId of authorityIds) await deactivate(cleaner, authorityId)
    cleaner.close()
  })
  const endWith = (code: number) => end().finally(() => process.exit(code))
  process.once("SIGINT", () => endWith(130))
  process.once("SIGTERM", () => endWith(143))
  process.on("uncaughtException", (error) => {
    // The end of an interrupted example, whose calls fail.
    if (!end.begun()) console.error(error)
    void endWith(1)
  })
  return end
}

/** Purges a page of chains. Returns how many. */
async function purge(registry: TrustRegistry, agentIdPrefix: string): Promise<number> {
  const filter = { agentIdPrefix, includeInactive: true }
  const page = await registry.listChains({ filter, view: ChainView.RECORD, pageSize: 1_000 }).page()
  const agentIds = page.chains.flatMap(({ record }) => record?.agentId ?? [])
  if (agentIds.length > 0) await registry.batchDeleteChains({ agentIds, purge: true })
  return agentIds.length
}

async function deactivate(registry: TrustRegistry, authorityId: string) {
  await registry.deactivateAuthority({ authorityId }).catch((error: unknown) => {
    if (!(error instanceof AuthorityNotFoundError)) throw error
  })
}

function once(work: () => Promise<void>) {
  let done: Promise<void> | undefined
  const first = () => {
    done ??= work()
    return done
  }
  return Object.assign(first, { begun: () => done !== undefined })
}
