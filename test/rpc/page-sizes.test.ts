import { usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityService,
  AuthorityType,
  RevocationMode,
  RevocationService,
  TrustStoreService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { signerOf } from "../support/trustWorld.js"

const MANY = 1_010

describe("page sizes", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>

  before(async function () {
    this.timeout(120_000)
    registry = await startRegistry({ logLevel: "error" })
    line = connectTo(registry.address)
    const { storeChain, batchStoreChains } = line.calls(TrustStoreService)
    const ids = Array.from({ length: MANY }, (_, i) => `agent-${i}`)
    for (let i = 0; i < ids.length; i += 505) {
      const some = ids.slice(i, i + 505)
      await batchStoreChains({ requests: some.map((id) => ({ chain: sampleChain(id) })) })
    }
    for (const agentId of ["changed", "revoked"]) await storeChain({ chain: sampleChain(agentId) })
    const keys = [{ keyId: "1", publicKey: signerOf("org-a").publicKey }]
    const authority = {
      id: "org-a",
      name: "A",
      authorityType: AuthorityType.ORGANIZATION,
      keys,
      permissions: usualPermissions(),
    }
    await line.calls(AuthorityService).registerAuthority({ authority })
    await line.calls(RevocationService).revokeAgent({ agentId: "revoked", mode: RevocationMode.SUSPEND })
    // Quicker than a thousand calls, and what the lists read all the same.
    await registry.sql`
      insert into trust_authorities (authority_id, revision, authority_data)
      select id, 0, jsonb_set(jsonb_set(authority_data, '{id}', to_jsonb(id)), '{name}', to_jsonb(id))
      from trust_authorities, (select 'org-' || n as id from generate_series(1, ${MANY}::int) n) ids
      where authority_id = 'org-a'`
    await registry.sql.unsafe(`
      do $$ begin
        for i in 1..${MANY} loop
          update trust_chains set expires_at = now() + i * interval '1 day' where agent_id = 'changed';
          update trust_authorities set authority_data = authority_data || jsonb_build_object('name', 'org-1 ' || i)
          where authority_id = 'org-1';
        end loop;
      end $$`)
    await registry.sql`
      insert into trust_revocations (revocation_id, kind, agent_id, mode)
      select gen_random_uuid(), 'agent', 'revoked', 'suspend' from generate_series(1, ${MANY}::int)`
  })
  after(async () => {
    line.close()
    await registry.stop()
  })

  /** How many items a page of this size has, and whether it is the last. */
  const lists: Record<string, { most: number; read: (pageSize: number) => Promise<[number, boolean]> }> = {
    ListChains: {
      most: 1_000,
      read: async (pageSize) => {
        const filter = { agentIdPrefix: "agent-" }
        const page = await line.calls(TrustStoreService).listChains({ pageSize, filter })
        return [page.chains.length, page.nextPageToken === ""]
      },
    },
    ListChainRevisions: {
      most: 1_000,
      read: async (pageSize) => {
        const page = await line.calls(TrustStoreService).listChainRevisions({ agentId: "changed", pageSize })
        return [page.revisions.length, page.nextPageToken === ""]
      },
    },
    ListAuthorities: {
      most: 1_000,
      read: async (pageSize) => {
        const page = await line.calls(AuthorityService).listAuthorities({ pageSize })
        return [page.authorities.length, page.nextPageToken === ""]
      },
    },
    ListAuthorityDocuments: {
      most: 1_000,
      read: async (pageSize) => {
        const authorityId = "org-1"
        const page = await line.calls(AuthorityService).listAuthorityDocuments({ authorityId, pageSize })
        return [page.documents.length, page.nextPageToken === ""]
      },
    },
    ListRevokedRecords: {
      most: 500,
      read: async (pageSize) => {
        const page = await line.calls(RevocationService).listRevokedRecords({ agentId: "revoked", pageSize })
        return [page.records.length, page.nextPageToken === ""]
      },
    },
  }

  for (const [name, { most, read }] of Object.entries(lists)) {
    it(`of ${name} default to 100, and are capped at ${most}`, async () => {
      expect(await read(0)).to.deep.equal([100, false])
      expect(await read(1)).to.deep.equal([1, false])
      expect(await read(most)).to.deep.equal([most, false])
      for (const pageSize of [most + 1, 1_000_000, 2 ** 31 - 1])
        expect(await read(pageSize), `${pageSize}`).to.deep.equal([most, false])
    })

    it(`of ${name} cannot be negative`, async () => {
      for (const pageSize of [-1, -(2 ** 31)]) {
        const { info, badRequest } = detailsOf(await failureOf(read(pageSize)))
        expect(info?.reason).to.equal("INVALID_REQUEST")
        expect(badRequest?.fieldViolations.map(({ field }) => field)).to.deep.equal(["page_size"])
      }
    })
  }
})
