import type { Manifest } from '@layerswarm/model'
import { folderOf } from '@layerswarm/peer/join-url'
import type { LabRun } from '../logic/lab-run.ts'
import { grayPixels, type Picture, pictureTensor } from '../logic/picture.ts'
import type { SampleSet } from '../logic/sample-set.ts'
import { errorText } from '../logic/wording.ts'
import { byId, setLine } from '../ui/dom.ts'
import type { LabImage } from './lab-view.ts'

/** The churn lab's place on the page; its code, model and peers come when somebody starts it. */
export interface LabCard {
  setManifest(manifest: Manifest): void
  setSamples(samples: SampleSet): void
  /** The next image to send is this one. */
  choose(picture: Picture): void
  /** Runs one simulation with every policy. */
  compare(run: LabRun): void
}

/** @param server the folder below which the server answers that has the model's parts. */
export function createLabCard(server: URL): LabCard {
  const start = byId('lab-start', HTMLButtonElement)
  const status = byId('lab-status', HTMLElement)
  let manifest: Manifest | undefined
  let samples: SampleSet | undefined
  let chosen: Picture | undefined
  let turn = 0

  /** The chosen picture first, then one sample after the other. */
  function nextImage(): LabImage | undefined {
    if (manifest === undefined) return undefined
    const picture = chosen ?? sampleAt(samples, turn++)
    chosen = undefined
    if (picture === undefined) return undefined
    return { picture, tensor: pictureTensor(picture, manifest.preprocessing) }
  }

  async function begin() {
    if (manifest === undefined) {
      return setLine(status, 'The model is not known yet: the server has to answer first.')
    }
    start.disabled = true
    setLine(status, 'Fetching the model and settling the simulated peers…')
    try {
      const { openLab } = await import('./lab-view.ts')
      await openLab(server, manifest, nextImage)
      setLine(status, undefined)
      start.hidden = true
    } catch (error) {
      start.disabled = false
      setLine(status, errorText(error))
    }
  }

  const compareButton = byId('compare-open', HTMLButtonElement)
  async function compare(run?: LabRun) {
    compareButton.disabled = true
    try {
      const { openCompare } = await import('./compare-view.ts')
      await openCompare(folderOf(new URL(location.href)), run)
      compareButton.hidden = true
    } catch (error) {
      compareButton.disabled = false
      setLine(byId('compare-status', HTMLElement), errorText(error))
    }
  }

  start.addEventListener('click', () => void begin())
  compareButton.addEventListener('click', () => void compare())
  return {
    setManifest(next) {
      manifest = next
    },
    setSamples(set) {
      samples = set
    },
    choose(picture) {
      chosen = picture
    },
    compare(run) {
      byId('churn', HTMLElement).scrollIntoView()
      void compare(run)
    },
  }
}

function sampleAt(samples: SampleSet | undefined, index: number): Picture | undefined {
  if (samples === undefined || samples.count === 0) return undefined
  const at = index % samples.count
  return {
    source: 'sample',
    name: `Sample ${at}`,
    pixels: grayPixels(samples.gray(at), samples.width, samples.height),
    trueClass: samples.classOf(at),
  }
}
