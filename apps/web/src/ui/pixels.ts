import type { Pixels } from '@layerswarm/model'

/** Sizes a canvas to a picture and paints it, one canvas pixel per picture pixel. */
export function paintPixels(canvas: HTMLCanvasElement, pixels: Pixels): void {
  canvas.width = pixels.width
  canvas.height = pixels.height
  const image = new ImageData(new Uint8ClampedArray(pixels.data), pixels.width, pixels.height)
  canvas.getContext('2d')?.putImageData(image, 0, 0)
}
