import { foregroundOfPicture, type Pixels, type Preparation } from '@layerswarm/model'
import {
  croppedPixels,
  middleSquare,
  resizedSquare,
  type Square,
  squareWithin,
} from '../logic/crop.ts'
import { onWhite } from '../logic/ground.ts'
import type { Picture } from '../logic/picture.ts'
import { byId } from './dom.ts'
import { paintPixels } from './pixels.ts'

/** Where a square of the chosen photo is asked about. */
export interface CropEditor {
  /** Takes up a photo; other pictures are square, or drawn for the model, and leave nothing to choose. */
  show(picture: Picture): void
}

/** A photo as it was read. */
interface Photo {
  readonly picture: Picture
  readonly pixels: Pixels
}

/**
 * The square moves by dragging and by three sliders, which a keyboard reaches too.
 * @param choose told of the square when it is to be classified.
 * @param preparation how the model wants its pictures, where one is known.
 */
export function createCropEditor(
  choose: (picture: Picture) => void,
  preparation: () => Preparation | undefined,
): CropEditor {
  const canvas = byId('crop-photo', HTMLCanvasElement)
  const frame = byId('crop-frame', HTMLElement)
  const side = byId('crop-side', HTMLInputElement)
  const left = byId('crop-left', HTMLInputElement)
  const top = byId('crop-top', HTMLInputElement)
  const ground = byId('crop-ground', HTMLInputElement)
  const groundChoice = byId('crop-ground-choice', HTMLElement)
  let photo: Photo | undefined
  let square: Square = { left: 0, top: 0, side: 1 }
  /** What was made of the photo here: choosing it shows no other photo. */
  let made: Picture | undefined

  function move(next: Square) {
    if (photo === undefined) return
    const { pixels } = photo
    square = squareWithin(next, pixels)
    const percent = (part: number, whole: number) => `${(100 * part) / whole}%`
    frame.style.left = percent(square.left, pixels.width)
    frame.style.top = percent(square.top, pixels.height)
    frame.style.width = percent(square.side, pixels.width)
    setSlider(side, square.side, Math.min(pixels.width, pixels.height))
    setSlider(left, square.left, pixels.width - square.side)
    setSlider(top, square.top, pixels.height - square.side)
  }

  /** Looked for once the square rests: it takes a moment. */
  function offerGround() {
    if (photo === undefined) return
    const cropped = croppedPixels(photo.pixels, square)
    const knowsBlack = preparation()?.foreground === 'light'
    groundChoice.hidden =
      !knowsBlack || foregroundOfPicture(cropped) !== 'dark' || onWhite(cropped) === undefined
  }

  function classify() {
    if (photo === undefined) return
    const cropped = croppedPixels(photo.pixels, square)
    const isCleared = ground.checked && !groundChoice.hidden
    made = {
      ...photo.picture,
      name: `${photo.picture.name}, a square of it`,
      pixels: (isCleared ? onWhite(cropped) : undefined) ?? cropped,
    }
    choose(made)
  }

  side.addEventListener('input', () => {
    if (photo !== undefined) move(resizedSquare(square, Number(side.value), photo.pixels))
  })
  for (const slider of [left, top])
    slider.addEventListener('input', () =>
      move({ ...square, left: Number(left.value), top: Number(top.value) }),
    )
  for (const slider of [side, left, top]) slider.addEventListener('change', offerGround)
  onDrag(canvas, {
    began: () => square,
    moved({ left, top }, across, down) {
      if (photo === undefined) return
      const { width, height } = photo.pixels
      move({ ...square, left: left + across * width, top: top + down * height })
    },
    ended: offerGround,
  })
  byId('crop-classify', HTMLButtonElement).addEventListener('click', classify)

  return {
    show(picture) {
      if (picture === made) return
      const isPhoto = picture.source === 'file' || picture.source === 'camera'
      photo = isPhoto ? { picture, pixels: picture.pixels } : undefined
      if (photo === undefined) return
      paintPixels(canvas, photo.pixels)
      ground.checked = true
      move(middleSquare(photo.pixels))
      offerGround()
    },
  }
}

function setSlider(slider: HTMLInputElement, value: number, max: number) {
  slider.max = String(max)
  slider.value = String(value)
  slider.disabled = max <= Number(slider.min)
}

interface Dragging {
  /** @returns where the square is when the pointer takes it. */
  began(): Square
  /** @param from where it was then. @param across share of the width by which the pointer has gone since. */
  moved(from: Square, across: number, down: number): void
  ended(): void
}

function onDrag(canvas: HTMLCanvasElement, { began, moved, ended }: Dragging) {
  let held: { readonly from: Square; readonly x: number; readonly y: number } | undefined
  canvas.addEventListener('pointerdown', ({ pointerId, clientX, clientY }) => {
    canvas.setPointerCapture(pointerId)
    held = { from: began(), x: clientX, y: clientY }
  })
  canvas.addEventListener('pointermove', ({ clientX, clientY }) => {
    if (held === undefined) return
    const { width, height } = canvas.getBoundingClientRect()
    moved(held.from, (clientX - held.x) / width, (clientY - held.y) / height)
  })
  for (const end of ['pointerup', 'pointercancel'])
    canvas.addEventListener(end, () => {
      held = undefined
      ended()
    })
}
