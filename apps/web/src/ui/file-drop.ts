import type { Pixels } from '@layerswarm/model'
import type { Picture } from '../logic/picture.ts'
import { byId } from './dom.ts'
import { PICTURE_FILE_BYTES_MAX, PICTURE_SIDE_PIXELS_MAX } from './limits.ts'

/** A file picker, and dropping a file anywhere on the classify section. */
export function createFileDrop(
  choose: (picture: Picture) => void,
  complain: (line: string) => void,
): void {
  const input = byId('file', HTMLInputElement)
  const zone = byId('classify', HTMLElement)
  const drop = byId('drop', HTMLElement)

  async function take(file: File | undefined) {
    if (file === undefined) return
    try {
      choose({
        source: 'file',
        name: file.name,
        pixels: await readPicture(file),
        trueClass: undefined,
      })
    } catch (error) {
      complain(error instanceof Error ? error.message : String(error))
    }
  }

  input.addEventListener('change', () => {
    void take(input.files?.[0])
    // The same file again is a change again.
    input.value = ''
  })
  zone.addEventListener('dragover', (event) => {
    event.preventDefault()
    drop.classList.add('over')
  })
  zone.addEventListener('dragleave', () => drop.classList.remove('over'))
  zone.addEventListener('drop', (event) => {
    event.preventDefault()
    drop.classList.remove('over')
    void take(event.dataTransfer?.files[0])
  })
}

/** @throws Error with one line for people when the file is no picture this browser can read. */
async function readPicture(file: File): Promise<Pixels> {
  if (file.size > PICTURE_FILE_BYTES_MAX) {
    throw new Error(
      `${file.name} is larger than ${PICTURE_FILE_BYTES_MAX / 1024 / 1024} MB; choose a smaller picture.`,
    )
  }
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`This browser cannot read ${file.name} as a picture.`)
  })
  const scale = Math.min(1, PICTURE_SIDE_PIXELS_MAX / Math.max(bitmap.width, bitmap.height))
  const width = Math.max(1, Math.round(bitmap.width * scale))
  const height = Math.max(1, Math.round(bitmap.height * scale))
  const context = new OffscreenCanvas(width, height).getContext('2d')
  if (context === null) throw new Error('This browser cannot draw on a canvas.')
  context.imageSmoothingQuality = 'high'
  context.drawImage(bitmap, 0, 0, width, height)
  bitmap.close()
  return context.getImageData(0, 0, width, height)
}
