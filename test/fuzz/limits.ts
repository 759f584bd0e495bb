/** Longest input that is drawn for a decoder unless it says another, bytes: a message is at most 9 kB, a document of some lists not much more. */
export const INPUT_BYTES_MAX = 16_384
/** One decoder on one input, milliseconds; half a second of it is the garbage collector's and the machine's. */
export const DECODE_MS_MAX = 1_000
/** A decoded value may take so many bytes per byte of its input: a visit of two bytes becomes a hop with a name. */
export const VALUE_BYTES_PER_INPUT_BYTE = 160
/** And so many beside them. */
export const VALUE_BYTES_BESIDE = 65_536
/** A line for people; the longest of ours lists every setting of the lab. */
export const MESSAGE_CHARS_MAX = 4_000
/** Brackets in a row that JSON.stringify can write again. */
export const WRITABLE_DEPTH = 1_000
/** Changes of one input at most: after more of them nothing of it is left. */
export const CHANGES_MAX = 8
/** How deep a value is nested where depth is tried: JSON.parse takes any, a recursion over the value does not. */
export const NESTING_DEPTH = 12_000
/** Items of a list where length is tried. */
export const MANY_ITEMS = 1_500
/** Letters of a text where length is tried. */
export const LONG_TEXT_CHARS = 5_000
/** Cases of each decoder in a run of the unit tests: a second for a package. */
export const CASES_SHORT = 150
/** Executions of a target in one turn; a turn of all of them takes a few seconds. */
export const TURN_EXECUTIONS = 1_000
/** Between two lines that say how far it is, milliseconds. */
export const PROGRESS_MS = 5_000
/** Longest input whose bytes are kept aside while it is decoded, so that a hang can be replayed. */
export const WATCHED_BYTES_MAX = 65_536
/** Attempts at making an input that broke something smaller. */
export const SHRINKS_MAX = 2_000
/** Inputs of one decoder that are kept in memory; the oldest of those that reach nothing alone make room. */
export const CORPUS_INPUTS_MAX = 4_000
/** Inputs of one decoder that go into the repository. */
export const KEPT_INPUTS_MAX = 2
/** Longest of these, bytes. */
export const KEPT_BYTES_MAX = 160
/** Room for arrays that one execution may ask for, bytes: the longest input five hundred times over. */
export const ROOM_BYTES_MAX = 8 * 2 ** 20
/** Executions of a decoder of JSON beside those of one of bytes: to change a document takes ten times as long. */
export const JSON_SHARE = 0.2
