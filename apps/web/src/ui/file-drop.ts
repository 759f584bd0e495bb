import type { Pixels, Preparation } from '@layerswarm/model'
import { decodeImage, PeerError } from '@layerswarm/peer/images'
import type { Picture } from '../logic/picture.ts'
import { byId } from './dom.ts'
import { PICTURE_FILE_BYTES_MAX, PICTURE_SIDE_PIXELS_MAX } from './limits.ts'

/**
 * A file picker, dropping a file anywhere on the classify section, and pasting one anywhere.
 * @param preparation how the model wants its pictures, where one is known.
 */
export function createFileDrop(
  choose: (picture: Picture) => void,
  complain: (line: string) => void,
  preparation: () => Preparation | undefined,
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
        pixels: await readPicture(file, preparation()),
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
  document.addEventListener('paste', ({ clipboardData }) => {
    const file = [...(clipboardData?.files ?? [])].find(({ type }) => type.startsWith('image/'))
    void take(file)
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

/** What a picture is decoded for as long as no model is known: as large as models see, at most. */
const UNKNOWN_MODEL: Preparation = {
  size: PICTURE_SIDE_PIXELS_MAX,
  channels: 3,
  mean: [0, 0, 0],
  foreground: 'any',
}

/** @throws Error with one line for people when the file is no picture this browser can read. */
async function readPicture(file: File, preparation: Preparation | undefined): Promise<Pixels> {
  if (file.size > PICTURE_FILE_BYTES_MAX) {
    throw new Error(
      `${file.name} is larger than ${PICTURE_FILE_BYTES_MAX / 1024 / 1024} MB; choose a smaller picture.`,
    )
  }
  return decodeImage(file, preparation ?? UNKNOWN_MODEL).catch((error: unknown) => {
    if (!(error instanceof PeerError) || error.fault.code !== 'bad-image') throw error
    throw new Error(`${file.name} ${error.fault.reason}.`)
  })
}
