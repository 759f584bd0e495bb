import type { Manifest, Pixels, Tensor } from '@layerswarm/model'
import type { Peer } from '@layerswarm/peer'
import type { Classification } from '@layerswarm/swarm'
import { type Picture, pictureTensor, seenPixels } from './logic/picture.ts'
import { errorText } from './logic/wording.ts'
import type { Hop, Run } from './run.ts'

/** Time until an answer or an error: a person looks at the page meanwhile. */
const DEADLINE_MS = 20_000

export interface ClassifierEvents {
  /** `seen` is what the model sees of the picture, where the model is known. */
  pictureChanged(picture: Picture, seen: Pixels | undefined): void
  runChanged(run: Run): void
}

/** What of a peer is needed to ask the swarm. */
export type Asker = Pick<Peer, 'classify'>

/** Classifies the chosen picture, one at a time: a new choice cancels the run before it. */
export interface Classifier {
  choose(picture: Picture): void
  setManifest(manifest: Manifest): void
  /** From now on `peer` asks the swarm; a picture that waited goes out at once. */
  setPeer(peer: Asker | undefined): void
}

export function createClassifier(events: ClassifierEvents): Classifier {
  let manifest: Manifest | undefined
  let peer: Asker | undefined
  let chosen: Picture | undefined
  let waiting = false
  let cancel: (() => void) | undefined

  function begin() {
    if (chosen === undefined) return
    cancel?.()
    const input = prepare(chosen)
    waiting = input === undefined || peer === undefined
    if (input === undefined || peer === undefined) return
    cancel = ask(peer, input, events.runChanged)
  }

  /** Shows the picture and gives the model's input, or undefined after saying why there is none. */
  function prepare(picture: Picture): Tensor | undefined {
    if (manifest === undefined) {
      events.pictureChanged(picture, undefined)
      events.runChanged({
        stage: 'waiting',
        why: 'The model is not known yet; join the swarm first.',
      })
      return undefined
    }
    try {
      const input = pictureTensor(picture, manifest.preprocessing)
      events.pictureChanged(picture, seenPixels(input, manifest.preprocessing))
      if (peer === undefined) {
        events.runChanged({
          stage: 'waiting',
          why: 'As soon as this tab is in the swarm, this picture goes out.',
        })
      }
      return input
    } catch (error) {
      events.pictureChanged(picture, undefined)
      events.runChanged({ stage: 'failed', route: [], message: errorText(error) })
      return undefined
    }
  }

  return {
    choose(picture) {
      chosen = picture
      begin()
    },
    setManifest(next) {
      manifest = next
    },
    setPeer(next) {
      peer = next
      if (peer !== undefined && waiting) begin()
    },
  }
}

/** Sends one image (1, channels, size, size) through the swarm and reports; returns what cancels it. */
function ask(peer: Asker, input: Tensor, report: (run: Run) => void): () => void {
  let cancelled = false
  let classification: Classification | undefined
  let route: readonly Hop[] = []
  let probabilities: readonly number[] | undefined
  const tell = (run: Run) => {
    if (!cancelled) report(run)
  }

  async function run() {
    tell({ stage: 'running', route, probabilities })
    try {
      classification = await peer.classify(input, { deadlineMs: DEADLINE_MS, anytime: true })
      if (cancelled) classification.cancel()
      classification.onProgress((progress) => {
        route = progress.route
        probabilities = progress.probabilities?.[0] ?? probabilities
        tell({ stage: 'running', route, probabilities })
      })
      const answer = await classification.answer
      const best = answer.probabilities[0] ?? []
      const { missingLayers, totalMs } = answer
      tell({ stage: 'answered', route: answer.route, probabilities: best, missingLayers, totalMs })
    } catch (error) {
      tell({ stage: 'failed', route, message: errorText(error) })
    }
  }

  void run()
  return () => {
    cancelled = true
    classification?.cancel()
  }
}
