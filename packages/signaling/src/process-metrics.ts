import { collectDefaultMetrics, Registry } from 'prom-client'

let registry: Registry | undefined

/**
 * What prom-client tells of a process: CPU, memory, event loop, garbage, open files. One registry for
 * all servers of this process, since its observers watch the process and are never taken down.
 */
export function processMetrics(): Registry {
  if (registry !== undefined) return registry
  registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}
