/** Bounds on everything that this package reads from strangers; the unit is the last word of each name. */

/**
 * Header of one safetensors file. The longest honest one, a whole model of 64 layers, has
 * 64 × 21 tensors of about 150 bytes each, 200 KB.
 */
export const SAFETENSORS_HEADER_BYTES_MAX = 1 << 20

/** Beginning of a file by which another format is known: spaces, then the first tag of a web page. */
export const FOREIGN_FILE_BYTES = 64

/** Rank of one tensor; the deepest we use is the patch projection with 4. */
export const TENSOR_RANK_DIMENSIONS_MAX = 8

/** B: images in one activation. A batch beyond this gains nothing on any engine we measured. */
export const ACTIVATION_BATCH_MAX = 256

/** T: tokens of one image. ViT at 1024 pixels with patches of 16 has 4,097. */
export const ACTIVATION_TOKENS_MAX = 4_097

/** C: values of one token; the widest spec that is accepted. */
export const ACTIVATION_WIDTH_MAX = 4_096

/** B·T·C of one activation: 64 MiB as float32, more than 400 images of ViT-B at 224 pixels need each. */
export const ACTIVATION_VALUES_MAX = 1 << 24

/** An idx file; Fashion-MNIST's 60,000 training images are 47 MB. */
export const IDX_BYTES_MAX = 1 << 30

/** A manifest; 66 parts of 160 bytes and 32,768 labels of 64 bytes are 2.2 MB. */
export const MANIFEST_BYTES_MAX = 4 << 20

/** One part file: a layer of the widest spec in float32, 4·(4·4096² + 2·4096·16384) bytes. */
export const PART_BYTES_MAX = 1 << 30

/** Letters of the name of a release or of a recipe: it stands in file names and in tables. */
export const NAME_LETTERS_MAX = 64

/** Letters of the name of one class; those of ImageNet are lists of synonyms. */
export const LABEL_LETTERS_MAX = 256

/** Pixels of a picture that is turned into a tensor: 8192 × 8192. */
export const PICTURE_PIXELS_MAX = 1 << 26

/** A side that a picture is resized to: that of the largest model. */
export const PICTURE_SIDE_PIXELS_MAX = 1024

/** Factor of the bytes of a picture: 1 leaves them as they are. */
export const RESCALE_MAX = 1

/** A factor that differs from 1/255 by a smaller share is meant as that: no byte shows it in float32. */
export const SHADE_SHARE_MIN = 1e-6

/** Deviation of the pixels, by which they are divided: less would be a picture of one colour. */
export const DEVIATION_MIN = 1e-3

/** In units of white: processors divide by at most that, and ten leaves no more than nothing. */
export const DEVIATION_MAX = 10

/**
 * Pixels of a picture up to which it is decoded in full: 2048 × 2048 as red, green, blue and alpha
 * are 16 MiB. A larger one is shrunk while it is decoded, where its decoder can.
 */
export const PICTURE_WHOLE_PIXELS_MAX = 1 << 22

/**
 * A picture that is shrunk while it is decoded stays so many times as large as it will be, that the
 * filter of the release makes its pixels.
 */
export const DECODED_TIMES_MIN = 3

/**
 * Steps of a fixed-point weight of a filter, as Pillow rounds them: 22 bits leave room for the 8 of a
 * pixel and for weights that add up to 2 before their signs, in 32.
 */
export const FILTER_WEIGHT_BITS = 22

/** Requests in one receipt; an ensemble of more orders says no more about the spread. */
export const RECEIPT_RUNS_MAX = 64

/** Values of a receipt's image: 3 × 1024 × 1024, the largest that preprocessing makes. */
export const RECEIPT_VALUES_MAX = 3 << 20

/** Class scores of one run; ImageNet-21k has 21,843 classes. */
export const RECEIPT_CLASSES_MAX = 1 << 15

/**
 * Constants of a graph up to this many elements are looked up by value before a new one is stored;
 * comparing longer ones costs more than it saves.
 */
export const SHARED_CONSTANT_ELEMENTS_MAX = 16

/** One ONNX model; weights of parts stay outside it, so only training graphs come near. */
export const GRAPH_BYTES_MAX = 64 * 1024 * 1024

/** The message of an error; our longest lists all settings of the lab, 2,500 characters. */
export const ERROR_LINE_CHARS_MAX = 3_500

/** Text of a grouping: 64 rounds of one layer, the deepest model one by one, are 127 letters. */
export const GROUPING_LETTERS_MAX = 127

/** Groupings that a manifest names; measuring each takes a pass over all test images. */
export const MANIFEST_GROUPINGS_MAX = 64

/** Orders of one request that a threshold of novelty may be for; as many as are asked at once. */
export const NOVELTY_ORDERS_MAX = 64

/** Numbers of orders for which a manifest has such a threshold; 1, 2, 4, … 64 are 7. */
export const MANIFEST_NOVELTY_ORDERS_MAX = 16

/** Releases that a manifest says it mixes with; a rolling upgrade needs one, a family of fine-tunings a few. */
export const MANIFEST_MIXES_MAX = 16

/** Weight of the disagreement between orders against the spread of their mean: half and all find the same within a point. */
export const NOVELTY_DISAGREEMENT_WEIGHT = 0.5

/**
 * ‖a − b‖ / ‖b‖ of one layer between its small file and float32: int4 of models/fashion-vit is at 0.05. Beyond two
 * thirds of this layer's least step, 0.16, no audit could tell such a file from a layer left out.
 */
export const LAYER_FILES_APART_MAX = 0.1
