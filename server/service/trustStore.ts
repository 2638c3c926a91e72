import type { TrustStoreService } from "@trust-registry/proto"
import type { RpcContext } from "../rpc/context.js"
import type { Handlers } from "../rpc/handlers.js"
import type { Store } from "../store/store.js"
import { createBatchDelete } from "./bulk/batchDelete.js"
import { createBatchGet } from "./bulk/batchGet.js"
import { createBatchStore } from "./bulk/batchStore.js"
import { createBulkWrite } from "./bulk/bulkWrite.js"
import { createExport } from "./bulk/exportChains.js"
import { createImport } from "./bulk/importChains.js"
import { createManyStores } from "./bulk/manyStores.js"
import { createStoreTogether } from "./bulk/storeTogether.js"
import { createTombstones } from "./bulk/tombstones.js"
import { createChainChanges } from "./chains/chainChanges.js"
import { createChainList } from "./chains/chainList.js"
import { type ChainRules, createChainWrites } from "./chains/chainWrites.js"
import { createGetChain } from "./chains/getChain.js"
import { createIntegrityCheck } from "./chains/integrity.js"
import { createRevisionList } from "./chains/revisionList.js"
import { createWatch } from "./chains/watch.js"

/** The handlers of TrustStoreService, backed by a store. */
export function createTrustStoreHandlers(
  store: Store,
  rules: ChainRules,
): Handlers<typeof TrustStoreService, RpcContext> {
  const writes = createChainWrites(store, rules)
  const changes = createChainChanges(writes, rules)
  const lists = createChainList(store, rules)
  const bulkWrite = createBulkWrite(rules.maxWaitingWrites)
  const storeMany = createManyStores(writes, bulkWrite)

  return {
    storeChain: changes.storeChain,
    getChain: createGetChain(store, rules),
    updateChain: changes.updateChain,
    deleteChain: changes.deleteChain,
    purgeChain: changes.purgeChain,
    restoreChain: changes.restoreChain,
    listChains: lists.listChains,
    countChains: lists.countChains,
    verifyChainIntegrity: createIntegrityCheck(store, rules),
    listChainRevisions: createRevisionList(store, rules),
    watchChains: createWatch(store.history, rules),
    batchGetChains: createBatchGet(store, rules),
    batchStoreChains: createBatchStore(storeMany, createStoreTogether(store, rules)),
    batchDeleteChains: createBatchDelete(store, writes, bulkWrite, rules),
    importChains: createImport(storeMany, createTombstones(writes, bulkWrite, rules)),
    exportChains: createExport(store, rules),
  }
}
