/** The measures of a plot, in units of its view box, and what it draws at most. */

/** Twice as wide as high: a curve over time is read from left to right. */
export const PLOT_WIDTH_UNITS = 640

/** Half of the width. */
export const PLOT_HEIGHT_UNITS = 320

/** Room for the numbers of the y axis and its name, turned upright. */
export const PLOT_LEFT_UNITS = 64

/** Half of the last number of the x axis stands out to the right. */
export const PLOT_RIGHT_UNITS = 24

/** Room for the title and the legend below it. */
export const PLOT_TOP_UNITS = 56

/** Room for the numbers of the x axis and its name. */
export const PLOT_BOTTOM_UNITS = 46

/** Lines of up to this many points show where they were measured; more dots would hide the line. */
export const DOTTED_POINTS_MAX = 24
