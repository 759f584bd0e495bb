/** Bounds of pictures; the unit is the last word of each name. */

/** A file to classify: a photo of 8192 × 8192 pixels, the most that is taken, as PNG has up to 200 MB. */
export const IMAGE_FILE_BYTES_MAX = 256 << 20
/** Of a picture's address in a message: paths are shorter, a data: address is the whole picture. */
export const IMAGE_NAME_CHARS_MAX = 200
/** To fetch one; over a slow line a photo of 5 MB takes 20 s. */
export const IMAGE_FETCH_TIMEOUT_MS = 60_000
/**
 * A baseline JPEG of up to so many pixels is shrunk by eight while it is decoded, line by line, to one
 * that is small enough; 16,383 × 16,383, which is more than any camera makes.
 */
export const SHRUNK_PICTURE_PIXELS_MAX = 16_383 ** 2
/** The beginning of a file in which its size is looked for: before it stand a thumbnail and a colour profile. */
export const PICTURE_HEAD_BYTES = 1 << 20
/** The end of a file in which its last marker is looked for; some programs write a line behind it. */
export const PICTURE_END_BYTES = 1024
/** The beginning of a file by which kinds of pictures are told apart that are not read. */
export const OTHER_PICTURE_BYTES = 16
