import { FIRST_HUE_DEGREES } from '../limits.ts'

/**
 * The hue of a layer in OKLCH degrees, 0 up to but not including 360. The wheel is divided evenly;
 * lightness and chroma belong to the style sheet, so that dark and light pages can differ.
 */
export function layerHue(layer: number, layers: number): number {
  return (FIRST_HUE_DEGREES + (360 * layer) / Math.max(1, layers)) % 360
}
