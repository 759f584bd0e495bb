/** Bounds of simulations that are run from the command line, unit last. */

/** Routes that are run through a model for real; more would move the accuracy by less than a point. */
export const ROUTES_MAX = 1_000
/** Three thousand peers take 1.8 GB, ten thousand come close to this. */
export const HEAP_MB_MAX = 4_096
/** Of it for what is new: most is garbage soon, and with V8's own 48 MB a tenth of the time goes into sorting out what is not. */
export const YOUNG_MB_MAX = 192
