/**
 * IEEE 754 binary16. Written out because `Float16Array` is missing in Node 20 and in some browsers.
 */

// One scratch word shared by its two views reads the bits of a float32.
const word = new Float32Array(1)
const bitsOfWord = new Uint32Array(word.buffer)

/** The bits of the float16 nearest to `value`, ties to even; beyond 65,504 it overflows to ±infinity. */
export function halfFromFloat(value: number): number {
  word[0] = value
  return halfFromBits(bitsOfWord[0] as number)
}

/** @param bits of a float32. */
function halfFromBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  // NaN keeps its top mantissa bits and stays a NaN.
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff)
  // 65,520 and above (halfway between the largest float16 and the next power of two).
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude >= 0x38800000) {
    // Normal: rebias the exponent from 127 to 15; add half a unit, minus one if the result is even.
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
  }
  // At most 2⁻²⁵, half the smallest subnormal, rounds to zero.
  if (magnitude <= 0x33000000) return sign
  // Subnormal: shift the mantissa with its hidden bit so that one unit is 2⁻²⁴.
  const shift = 126 - (magnitude >>> 23)
  const mantissa = (magnitude & 0x7fffff) | 0x800000
  const half = (1 << (shift - 1)) - 1
  return sign | ((mantissa + half + ((mantissa >>> shift) & 1)) >>> shift)
}

/** The bits of the float32 that equals a float16, worked out from its fields. */
function floatBits(half: number): number {
  const sign = (half & 0x8000) << 16
  const exponent = (half >>> 10) & 0x1f
  const mantissa = half & 0x3ff
  if (exponent === 0x1f) return sign | 0x7f800000 | (mantissa << 13)
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (mantissa << 13)
  if (mantissa === 0) return sign
  // Subnormal: the leading one becomes the hidden bit.
  const shift = Math.clz32(mantissa) - 21
  return sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13)
}

// 256 KiB: decoding by look-up is several times faster than by arithmetic.
const floatBitsOf = new Uint32Array(1 << 16)
for (let half = 0; half < floatBitsOf.length; half++) floatBitsOf[half] = floatBits(half)
const floatOf = new Float32Array(floatBitsOf.buffer)

/** The value of a float16 given by its bits (0 to 65,535). */
export function floatFromHalf(half: number): number {
  return floatOf[half & 0xffff] as number
}

/** Rounds every value to float16. The result may be viewed as bytes: 2 per value, little-endian. */
export function encodeHalf(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const halves = new Uint16Array(values.length)
  for (let i = 0; i < halves.length; i++) halves[i] = halfFromBits(bits[i] as number)
  return halves
}

/** Widens float16 bits to float32; exact. */
export function decodeHalf(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length)
  for (let i = 0; i < halves.length; i++) bits[i] = floatBitsOf[halves[i] as number] as number
  return new Float32Array(bits.buffer)
}
