import type { EncodedActivation } from '@layerswarm/model'
import type { LayerOutcome } from '@layerswarm/swarm'

/** A run of a layer that somebody waits for. */
export interface LayerTask {
  readonly layer: number
  readonly hop: number
  readonly input: EncodedActivation
  readonly finished: (outcome: LayerOutcome) => void
}

/**
 * Puts concurrent runs of one layer together: whatever has gathered when the worker gets to it is
 * one batch. Nobody waits for a batch to fill.
 */
export interface LayerBatcher {
  add(task: LayerTask): void
}

/**
 * @param kindOf tasks of one kind may run together.
 * @param imagesMax images of one batch at present; a single task may have more.
 * @param run takes the batch when the worker is free, runs it, and settles every task of it.
 */
export function createLayerBatcher(
  kindOf: (task: LayerTask) => string,
  imagesMax: () => number,
  run: (layer: number, take: () => readonly LayerTask[]) => void,
): LayerBatcher {
  const waiting = new Map<string, LayerTask[]>()

  function take(kind: string): LayerTask[] {
    const queued = waiting.get(kind) ?? []
    const batch: LayerTask[] = []
    let images = 0
    for (const task of queued) {
      images += task.input.shape[0]
      if (batch.length > 0 && images > imagesMax()) break
      batch.push(task)
    }
    waiting.set(kind, queued.slice(batch.length))
    if (batch.length === queued.length) waiting.delete(kind)
    return batch
  }

  return {
    add(task) {
      const kind = kindOf(task)
      const queued = waiting.get(kind)
      if (queued === undefined) waiting.set(kind, [task])
      else queued.push(task)
      // One turn of the worker per task: a turn whose tasks went with an earlier batch finds none.
      run(task.layer, () => take(kind))
    },
  }
}
