import type { Figure } from "./figure.js"
import { cacheMemory } from "./figures/cacheMemory.js"
import { cascade } from "./figures/cascade.js"
import { codec } from "./figures/codec.js"
import { getAtSize } from "./figures/getAtSize.js"
import { getCached } from "./figures/getCached.js"
import { getUncached } from "./figures/getUncached.js"
import { groupCommit } from "./figures/groupCommit.js"
import { growth } from "./figures/growth.js"
import { importChains } from "./figures/importChains.js"
import { latency } from "./figures/latency.js"
import { listDeep } from "./figures/listDeep.js"
import { nearCache } from "./figures/nearCache.js"
import { soak } from "./figures/soak.js"
import { start } from "./figures/start.js"
import { storeDurable } from "./figures/storeDurable.js"
import { storeSigned } from "./figures/storeSigned.js"
import { verifyFull } from "./figures/verifyFull.js"
import { watchCrowd } from "./figures/watchCrowd.js"
import { watchLag } from "./figures/watchLag.js"
import { workers } from "./figures/workers.js"

/** All figures, in the order of the table. */
export const figures: readonly Figure[] = [
  getCached,
  getUncached,
  storeDurable,
  storeSigned,
  importChains,
  cascade,
  listDeep,
  getAtSize,
  watchLag,
  nearCache,
  verifyFull,
  codec,
  cacheMemory,
  start,
  latency,
  groupCommit,
  watchCrowd,
  workers,
  growth,
  soak,
]
