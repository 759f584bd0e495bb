/** Bounds on files, waiting and output of the commands; the unit is the last word of each name. */

/** A JSON file that a person hands over: 64 images of 224 pixels are about 200 MB of digits. */
export const JSON_BYTES_MAX = 256 << 20

/** A whole-model file: as float32, a ViT-H has 2.5 GB; Node reads at most 2 GiB at once. */
export const MODEL_BYTES_MAX = 2 ** 31 - 1

/** Files of one checkpoint: the largest models that people spread have a few hundred. */
export const CHECKPOINT_SHARDS_MAX = 1_000

/** Names of left out tensors that are told; a line takes no more. */
export const SKIPPED_NAMES_MAX = 5

/** A photo of 8192 × 8192 pixels as PNG has up to 200 MB. */
export const PICTURE_BYTES_MAX = 256 << 20

/** A pack of sample images: 10,000 of 28 × 28 pixels are 8 MB. */
export const SAMPLES_BYTES_MAX = 64 << 20

/** An allow-list of as many peers as may be on one (packages/swarm, limits.ts), each with a comment. */
export const ALLOW_LIST_BYTES_MAX = 2 * 1024 * 1024
/** A publisher's key: 64 hex digits and a line break; more is not a key. */
export const KEY_FILE_BYTES_MAX = 128

/** A file with an upload token: 256 characters at most, and room for line breaks. */
export const TOKEN_FILE_BYTES_MAX = 1_024

/** A recipe or report of a training, read by people; a curve of 10,000 points has about 2 MB. */
export const TRAINING_DOCUMENT_BYTES_MAX = 16 << 20

/**
 * Room on the disk for the manifest beside the parts of a release; those of the shipped models
 * have a few kilobytes.
 */
export const RELEASE_DOCUMENTS_BYTES = 1 << 20

/**
 * Room on the disk for a report of an evaluation; with the plots of a dozen models it has under a
 * megabyte.
 */
export const EVALUATION_REPORT_BYTES = 4 << 20

/**
 * The generator of a simulation has 32 bits of state, so larger seeds would repeat smaller ones.
 */
export const SIMULATION_SEED_MAX = 2 ** 32 - 1

/** More threads have too little to do in models as small as a processor can train. */
export const TRAINING_THREADS_MAX = 4

/** Some terminals do not say how wide they are; this was the width of nearly all of them. */
export const UNKNOWN_TERMINAL_COLUMNS = 80

/** Help fits the narrowest usual terminal. */
export const HELP_COLUMNS_MAX = 80

/** A longer flag stands on a line of its own, so that explanations keep room. */
export const FLAG_COLUMNS_MAX = 28

/** Volunteers of a demo host every layer within this, also on a busy machine. */
export const DEMO_COVERED_MS_MAX = 30_000

/**
 * Volunteers of a demo are going to be killed: a layer may lose two hosts at once. In the mean, for hosts spread
 * themselves by what they hear; three are waited for.
 */
export const DEMO_HOSTS_PER_LAYER = 4

/** Members change a layer every three seconds, so uneven ones are even by then. */
export const DEMO_SPARES_MS_MAX = 15_000

/** Volunteers that start together on a small machine are done long before this. */
export const UP_COVERED_MS_MAX = 20_000

/** One volunteer may leave without a gap. */
export const UP_HOSTS_PER_LAYER = 2

/** Exit code of what ctrl-c has ended, as shells have it: 128 and the number of SIGINT. */
export const INTERRUPTED_EXIT_CODE = 130

/** A command ends within a second of ctrl-c; what is left of it is for the process to go. */
export const INTERRUPTED_MS_MAX = 500
/** Whoever asks a swarm many times stops when nobody has hosted a layer for so long; a peer that restarts is back by then. */
export const ALONE_MS_MAX = 30_000

/** Between two lines of progress where there is no terminal to draw it on. */
export const PROGRESS_LINE_INTERVAL_MS = 2_000

/**
 * How often the coverage is looked at while a swarm starts: not felt, and no work for the
 * processor.
 */
export const COVERAGE_LOOK_INTERVAL_MS = 100

/** Time to say goodbye before a process is killed. */
export const GOODBYE_MS_MAX = 4_000

/** How often the work done is reported, when there was some. */
export const SERVED_REPORT_INTERVAL_MS = 30_000

/** A local server answers at once, one across the world within this. */
export const SAMPLES_FETCH_MS_MAX = 20_000

/**
 * Rows of each plot: the two of them and their titles fit the smallest usual terminal, of 24 rows.
 */
export const PLOT_ROWS = 6

/** The widest that a plot gets: 80 columns less its margin. */
export const PLOT_COLUMNS_MAX = 72

/** Cells left of a plot, for its numbers. */
export const PLOT_MARGIN_COLUMNS = 8

/** What the first column of a table may take of a line, so that others have room beside it. */
export const TABLE_FIRST_SHARE_MAX = 0.5

/** Classes of a picture that are shown with a bar: what it was nearly taken for, too. */
export const BARS_MAX = 3

/** The bar of a class that is certain. */
export const BAR_COLUMNS = 30

/** Redrawing more often costs a busy processor more than a person sees. */
export const REDRAW_INTERVAL_MS_MIN = 200

/** Lines of a volunteer about peers that are not on its allow-list: a dozen and then one every ten seconds, as a server's. */
export const REFUSALS_LOGGED = { burst: 12, perSecond: 0.1 }

/** Passes over the test images for every grouping in a manifest: two orders of each batch, whose spread is 0.15 points. */
export const PUBLISHED_ROUNDS_SEEDS = 2

/** Every answer wrong: who accepts this loses nothing that was promised. */
export const POINTS_ALL = 100

/** What a mixture of two releases may lose against the worse of them: three times the spread of its passes. */
export const MIX_LOSS_SHARE_MAX = 0.02

/** How far small layer files are apart is told in steps of one in so many, rounded up: what is allowed for covers what was measured. */
export const APART_STEPS = 10_000
