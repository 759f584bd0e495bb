import { layerHue } from '../logic/layer-colours.ts'

/** Gives an element the colour of a layer; the style sheet turns `--hue` into colours for dark and light. */
export function paintLayer<T extends HTMLElement | SVGElement>(
  element: T,
  layer: number,
  layers: number,
): T {
  element.style.setProperty('--hue', layerHue(layer, layers).toFixed(1))
  return element
}
