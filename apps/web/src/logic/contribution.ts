import { HELPED_REQUESTS_MAX } from '../limits.ts'

/** What this tab did for others. */
export interface Contribution {
  /** A layer was run for this request. */
  served(request: string): void
  /** Requests of which this tab ran at least one layer. */
  readonly images: number
}

/** Counts the images that this tab helped with; one that comes back after 512 others counts again. */
export function createContribution(): Contribution {
  const recent = new Set<string>()
  let images = 0
  return {
    get images() {
      return images
    },
    served(request) {
      if (recent.has(request)) return
      images++
      recent.add(request)
      const [oldest] = recent
      if (recent.size > HELPED_REQUESTS_MAX && oldest !== undefined) recent.delete(oldest)
    },
  }
}
