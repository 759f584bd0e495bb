/** Bounds on what is read and held, and how often things are measured; the unit is the last word of each name. */

/** Files in a list of sources: the largest data sets are a few dozen files. */
export const SOURCES_MAX = 256

/** One downloaded file: all of CIFAR-10 in one archive has 170 MB. */
export const DOWNLOAD_BYTES_MAX = 4 * 2 ** 30

/** Folders of pictures, one per class: as many as a model has classes. */
export const FOLDER_CLASSES_MAX = 32_768

/** Faults of a data set that are told one by one: more fill the terminal and no line takes them. */
export const FAULTS_TOLD_MAX = 20

/** Pictures that are tried for the size of all, before the data set is called unreadable. */
export const SAMPLED_PICTURES_MAX = 100

/**
 * Difference of the mean pixel, being 0 … 1, up to which a set is the known one: a thousand of
 * the images of Fashion-MNIST differ from all of them by 0.01.
 */
export const KNOWN_MEAN_DIFFERENCE_MAX = 0.02

/** Folders that hold nothing but the next one, as archives make them. */
export const WRAPPING_FOLDERS_MAX = 4

/** Names that are told of a folder in which no data set is found. */
export const FOUND_NAMES_MAX = 5

/** All pictures of a folder, decoded: they are held in memory. */
export const FOLDER_PIXEL_BYTES_MAX = 2 ** 31

/** Without a split of its own, a tenth of the pictures of every class are test images. */
export const TEST_EVERY_PICTURES = 10

/** Always the same, so that a model is measured on pictures that it was not trained on. */
export const SPLIT_SEED = 1

/**
 * Smallest deviation of a channel, pixels being 0 … 1: pictures of one colour must not divide by
 * zero.
 */
export const PIXEL_STD_MIN = 0.01

/**
 * Share of the grey pictures that show something light or dark from which they are called that:
 * of the 500 images of the Fashion-MNIST samples 499 show something light and one neither.
 */
export const FOREGROUND_SHARE_MIN = 0.95

/** Images that share one order: few, so that an accuracy averages over many orders. */
export const EVALUATION_BATCH_IMAGES = 100

/**
 * Passes in arbitrary order behind the accuracies of a report: enough for a deviation between
 * them.
 */
export const REPORT_SEEDS = 5

/**
 * Differences of accuracies below this are not told apart: two standard errors of 10,000 images.
 */
export const NOISE_SHARE = 0.006

/** Passes in arbitrary order at least, for the ensembles and the heat map. */
export const PASSES_MIN = 8

/**
 * Draws of the layers left in sequential order, for every batch and count: the batches average
 * over the rest.
 */
export const SUBSET_DRAWS = 2

/** Drawn masks of every pair that is merged: enough to see their spread. */
export const MERGE_MASKS = 3

/** Axes of accuracies end at whole steps of two percent. */
export const AXIS_STEPS_PER_UNIT = 50

/** Side of a cell of the heat map: a number of two digits fits above it. */
export const HEAT_CELL_UNITS = 28

/** Room for the numbers of the layers and the word beside them. */
export const HEAT_LEFT_UNITS = 34

/** Room for the title, the word "position" and the numbers below it. */
export const HEAT_TOP_UNITS = 44

/** Narrowest range of the heat map: smaller differences of accuracy are not worth a colour. */
export const HEAT_RANGE_SHARE_MIN = 0.01

/** Bins of equal width over the confidence, as in Guo et al., arXiv 1706.04599. */
export const CONFIDENCE_BINS = 15

/**
 * Room on the disk for recipe and report of a model that was made from others: a few kilobytes
 * each.
 */
export const MADE_DOCUMENTS_BYTES = 64 << 10

/** Share of the peak learning rate that is left at the last step. */
export const FINAL_RATE_SHARE = 0.01

/** Training images that are kept out of training, to watch it by; a tenth of smaller sets. */
export const HELD_OUT_IMAGES_MAX = 1000

/**
 * A checkpoint holds four numbers of four bytes per parameter, a new one is written before the old
 * one goes, and the model comes on top.
 */
export const OUTPUT_BYTES_PER_PARAMETER = 2 * 4 * 4 + 4

/** Weight of the newest loss in the moving average of the losses: the last fifty steps show. */
export const LOSS_AVERAGE_SHARE = 0.02

/** Work that a crash may cost where steps are slow. */
export const CHECKPOINT_INTERVAL_SECONDS_MAX = 300

/**
 * Orders of the held-out accuracy in a curve are drawn once: it is for watching, not for
 * reporting.
 */
export const CURVE_SEEDS = 1

/** Classes of the classifier that stands in where a checkpoint has none: as few as a spec may have. */
export const BACKBONE_CLASSES = 2

/** Sizes of rounds in a recipe: enough to weigh them by naming some of them more than once. */
export const ROUND_SIZES_MAX = 64

/** Held-out pictures that novelty is measured on: the 5 % above a threshold are 50 of them. */
export const NOVELTY_IMAGES_MAX = 1000

/** As many at least, however large the model: its threshold is then one of the ten highest scores. */
export const NOVELTY_IMAGES_MIN = 200

/** Pictures times parameters of a model that are worth the wait: 1,000 of 5 million, half an hour of one core at ViT-B. */
export const NOVELTY_PARAMETER_IMAGES = 5e9

/** Pictures of each foreign set. */
export const FOREIGN_IMAGES = 100

/** Share of a model's own pictures that is above its threshold of novelty. */
export const NOVELTY_FALSE_ALARM_SHARE = 0.05

/** Passes in arbitrary order of a mixture, for every release whose stem and head are used. */
export const MIX_PASSES = 2

/** Foreign pictures are the same for every model and at every time. */
export const FOREIGN_SEED = 1

/** Points that are looked at along each side of a drawn pixel, so that edges are smooth. */
export const DRAWING_SAMPLES_PER_SIDE = 3

/** Passes in arbitrary order with each kind of layer files: the same orders for all, so their difference needs no more. */
export const LAYER_FILES_PASSES = 2

/** Probability with which a layer runs as its core alone in a step of a recipe with `coreRank`: core and rest learn as often. */
export const CORE_SHARE = 0.5

/** Values between the two matrices of a network that mends logits: a few thousand weights, a ten-thousandth of a second. */
export const MENDER_WIDTH = 64

/** Steps in which its learning rate rises: a tenth of the few hundred that it learns in. */
export const MENDER_WARMUP_STEPS = 100

/** Bytes of training images that are hashed at once: an update takes less than 2 GiB. */
export const HASHED_CHUNK_BYTES = 2 ** 28

/** Header of a checkpoint that is read for what it notes: a curve of 100,000 points has 10 MB. */
export const CHECKPOINT_HEADER_BYTES_MAX = 2 ** 24

/** Words of a command line that a checkpoint keeps: a recipe, and a dozen teachers beside the other options. */
export const RESUME_WORDS_MAX = 64

/** Parameters of a model in one array of float32: the longest that Node 20 makes. */
export const PARAMETERS_MAX = 2 ** 32

/** What a training holds of each parameter: the weight, two moments, the average and the gradient, four bytes each. */
export const STATE_BYTES_PER_PARAMETER = 5 * 4

/** Characters that are told of a field that a recipe must not have: the longest that it may have are seventeen. */
export const FIELD_TOLD_CHARS_MAX = 40
