import type { Figure } from "./figure.js"
import { getCached } from "./figures/getCached.js"

/** All figures, in the order of the table. */
export const figures: readonly Figure[] = [getCached]
