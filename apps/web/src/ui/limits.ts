/** Bounds on what the page shows, and the measures of what it draws; the unit is the last word of each name. */

/** What is asked of a camera: models see far less. */
export const CAMERA_SIDE_PIXELS = 480

/** Blocks stacked above a layer; more hosts than that are only counted. */
export const COVERAGE_BLOCKS_MAX = 5

/** Width of the brush in canvas pixels: about two pixels of a 28-pixel picture. */
export const BRUSH_PIXELS = 22

/** Files above this are refused unread: no photo needs more. */
export const PICTURE_FILE_BYTES_MAX = 32 * 1024 * 1024

/** What a picture is read for before a model is known: no model sees more. */
export const PICTURE_SIDE_PIXELS_MAX = 1024

/** The picture of the swarm reaches this far from its origin, to every side. */
export const HALF_VIEW_UNITS = 200

/** Side of the picture that an own request carries. */
export const CARGO_SIDE_UNITS = 22

/**
 * Finer displays get two by two: nobody sees more in a light that moves, and each pixel is drawn
 * at every frame.
 */
export const DEVICE_PIXELS_PER_PIXEL_MAX = 2

/** Slow enough to see on a fast swarm, where hops take a few ms; the chips show the true times. */
export const HOP_LIGHT_MS = 260

/** Layers to host when the model's number of layers is not known yet. */
export const UNKNOWN_MODEL_CAPACITY_LAYERS = 2

/** Rows of the table of peers; more than that are only counted. */
export const PEER_ROWS_MAX = 100

/** Of a release's id, where another than this tab's ran a layer. */
export const RELEASE_CHARS_SHOWN = 12

/**
 * The address of a file to save is kept for this: long enough for any browser to have begun the
 * download.
 */
export const SAVED_URL_MS = 30_000

/** Samples offered at a time: a pack has hundreds, and this many can be taken in at a glance. */
export const SAMPLES_SHOWN_MAX = 24

/** Canvas pixels per module of the code; the style sheet scales it. */
export const QR_MODULE_PIXELS = 4

/** The light border of the code, within the card around it. */
export const QR_BORDER_MODULES = 2

/** How long the button says that the link was copied. */
export const COPIED_SHOWN_MS = 2_000

/** Where the peers stand; discs of the largest size fit between it and the edge. */
export const RING_RADIUS_UNITS = 152

/** This tab, in the middle, is larger than the others. */
export const SELF_RADIUS_UNITS = 40

/** The largest disc of another peer: few peers do not fill the picture. */
export const DISC_RADIUS_UNITS_MAX = 28

/** Below this a disc cannot hold its label. */
export const LABELLED_RADIUS_UNITS_MIN = 22

/** Beyond this the discs would be dots; the table lists everybody. */
export const PEERS_DRAWN_MAX = 60

/** Between the arcs of two layers on one disc, so that they can be counted. */
export const ARC_GAP_RADIANS = 0.12

/** Where a disc ends, in radii: half of the line around it lies outside. */
export const RIM_RADII = 1.1
