import { ModelError } from '@layerswarm/model'

/** For tests: the line of the ModelError that `run` throws. @throws Error when it throws none. */
export function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof ModelError) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}
