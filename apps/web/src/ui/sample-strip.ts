import { grayPixels, type Picture } from '../logic/picture.ts'
import { pickIndices, type SampleSet } from '../logic/sample-set.ts'
import { errorText } from '../logic/wording.ts'
import { byId, html, setText } from './dom.ts'
import { SAMPLES_SHOWN_MAX } from './limits.ts'
import { paintPixels } from './pixels.ts'

/** Sample images to choose from. */
export interface SampleStrip {
  showSamples(samples: SampleSet): void
  /** Says in place of the samples why there are none. */
  showProblem(line: string): void
  /** Names of the classes, once the model is known. */
  setLabels(labels: readonly string[]): void
}

/**
 * A strip of pictures with known classes; choosing one classifies it.
 * @param fetchAll all that the server has, once the first ones are not enough.
 */
export function createSampleStrip(
  choose: (picture: Picture) => void,
  fetchAll: () => Promise<SampleSet>,
): SampleStrip {
  const list = byId('samples', HTMLUListElement)
  const note = byId('samples-note', HTMLElement)
  const shuffle = byId('shuffle', HTMLButtonElement)
  let labels: readonly string[] = []
  let samples: SampleSet | undefined
  let chosen: number | undefined
  // The first samples come first, so that a fresh page always shows the same ones.
  let indices: number[] = []

  function draw() {
    if (samples === undefined) return
    const set = samples
    list.replaceChildren(...indices.map((index) => html('li', {}, sampleButton(set, index))))
    setText(note, `${indices.length} of ${set.total} sample pictures`)
    shuffle.hidden = set.total <= indices.length
  }

  function sampleButton(set: SampleSet, index: number): HTMLButtonElement {
    const trueClass = set.classOf(index)
    const label = labels[trueClass] ?? String(trueClass)
    const pixels = grayPixels(set.gray(index), set.width, set.height)
    const canvas = html('canvas', { attributes: { 'aria-hidden': 'true' } })
    paintPixels(canvas, pixels)
    const button = html(
      'button',
      {
        class: index === chosen ? 'sample chosen' : 'sample',
        attributes: {
          type: 'button',
          'aria-label': `Classify sample ${index}: ${label}`,
          title: label,
        },
      },
      canvas,
    )
    button.dataset.testid = 'sample'
    button.dataset.label = label
    button.dataset.index = String(index)
    button.addEventListener('click', () => {
      for (const other of list.querySelectorAll('.sample'))
        other.classList.toggle('chosen', other === button)
      chosen = index
      choose({ source: 'sample', name: `Sample ${index}`, pixels, trueClass })
    })
    return button
  }

  async function showOthers() {
    if (samples === undefined) return
    shuffle.disabled = true
    try {
      if (samples.count < samples.total) samples = await fetchAll()
      indices = pickIndices(samples.count, SAMPLES_SHOWN_MAX, Math.random)
      draw()
    } catch (error) {
      setText(note, `No others: ${errorText(error)}`)
    } finally {
      shuffle.disabled = false
    }
  }

  shuffle.addEventListener('click', () => void showOthers())

  return {
    showSamples(set) {
      samples = set
      indices = Array.from({ length: Math.min(SAMPLES_SHOWN_MAX, set.count) }, (_, index) => index)
      draw()
    },
    showProblem: (line) => setText(note, line),
    setLabels(names) {
      if (names.join() === labels.join()) return
      labels = names
      draw()
    },
  }
}
