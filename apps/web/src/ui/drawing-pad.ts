import type { Picture } from '../logic/picture.ts'
import { byId } from './dom.ts'
import { BRUSH_PIXELS } from './limits.ts'

/**
 * A square to draw in, light on black.
 * @throws Error in a browser that cannot draw on a canvas.
 */
export function createDrawingPad(choose: (picture: Picture) => void): void {
  const canvas = byId('pad', HTMLCanvasElement)
  const classify = byId('pad-classify', HTMLButtonElement)
  const clear = byId('pad-clear', HTMLButtonElement)
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (context === null) throw new Error('This browser cannot draw on a canvas.')

  function wipe() {
    if (context === null) return
    context.fillStyle = '#000'
    context.fillRect(0, 0, canvas.width, canvas.height)
    context.strokeStyle = '#fff'
    context.lineWidth = BRUSH_PIXELS
    context.lineCap = 'round'
    context.lineJoin = 'round'
    classify.disabled = true
  }

  /** From the page's pixels to the canvas's. */
  function moveTo(event: PointerEvent): [number, number] {
    const box = canvas.getBoundingClientRect()
    return [
      ((event.clientX - box.left) / box.width) * canvas.width,
      ((event.clientY - box.top) / box.height) * canvas.height,
    ]
  }

  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId)
    const [x, y] = moveTo(event)
    context.beginPath()
    context.moveTo(x, y)
    // A tap without a movement is a dot.
    context.lineTo(x, y)
    context.stroke()
    classify.disabled = false
  })
  canvas.addEventListener('pointermove', (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return
    context.lineTo(...moveTo(event))
    context.stroke()
  })
  clear.addEventListener('click', wipe)
  classify.addEventListener('click', () => {
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height)
    choose({ source: 'drawing', name: 'Your drawing', pixels, trueClass: undefined })
  })
  wipe()
}
