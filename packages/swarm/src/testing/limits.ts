/** How the simulated clock and network are laid out. */

/** Events of the next so many milliseconds lie in one slot per millisecond, later ones in a heap. */
export const CLOCK_SLOTS = 8_192
