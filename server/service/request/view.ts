import { ChainView } from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"

/** Whether a view includes chains beside their records. Throws INVALID_REQUEST for a number that is not a ChainView. */
export function showsChains(view: ChainView): boolean {
  switch (view) {
    case ChainView.UNSPECIFIED:
    case ChainView.FULL:
      return true
    case ChainView.RECORD:
      return false
    default:
      throw invalidRequest("view", `is ${view}, which is not a ChainView`)
  }
}
