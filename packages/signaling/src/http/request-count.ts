/** Which handler answered, for the metrics. */
export type Route =
  | 'bootstrap'
  | 'healthz'
  | 'readyz'
  | 'metrics'
  | 'manifest'
  | 'part'
  | 'sample'
  | 'swarm'
  | 'upload'
  | 'page'
  | 'websocket'
  | 'preflight'
  | 'refused'

/** Answers so far of one route with one status. */
export interface RequestCount {
  readonly route: Route
  readonly status: number
  readonly requests: number
}

/** The counts of several servers as those of one. */
export function mergeCounts(lists: readonly (readonly RequestCount[])[]): RequestCount[] {
  const merged = new Map<string, RequestCount>()
  for (const count of lists.flat()) {
    const key = `${count.route} ${count.status}`
    const requests = (merged.get(key)?.requests ?? 0) + count.requests
    merged.set(key, { ...count, requests })
  }
  return [...merged.values()]
}
