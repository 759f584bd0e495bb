/** Bounds of pictures; the unit is the last word of each name. */

/** A file to classify: a photo of 8192 × 8192 pixels, the most that is taken, as PNG has up to 200 MB. */
export const IMAGE_FILE_BYTES_MAX = 256 << 20
/** Of a picture's address in a message: paths are shorter, a data: address is the whole picture. */
export const IMAGE_NAME_CHARS_MAX = 200
/** To fetch one; over a slow line a photo of 5 MB takes 20 s. */
export const IMAGE_FETCH_TIMEOUT_MS = 60_000
