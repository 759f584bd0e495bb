/** What the process of some volunteers is asked; each order is answered by a report. */
export interface Order {
  /** From now on one way takes so much longer. */
  readonly lagMs?: number
}

/** How the volunteers of a process are getting on. */
export interface ProcessReport {
  /** Payloads of messages, each times those it went to, and tensors, sent so far. */
  readonly sentBytes: number
  /** Layers that each of them hosts, in their order. */
  readonly hosted: readonly (readonly number[])[]
}

/** An order from a message of the parent process; undefined for anything else. */
export function parseOrder(message: unknown): Order | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { lagMs } = message as { lagMs?: unknown }
  return typeof lagMs === 'number' ? { lagMs } : {}
}

/** A report from a message of such a process; undefined for anything else. */
export function parseReport(message: unknown): ProcessReport | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { sentBytes, hosted } = message as { sentBytes?: unknown; hosted?: unknown }
  if (typeof sentBytes !== 'number' || !Array.isArray(hosted)) return undefined
  return hosted.every(isLayers) ? { sentBytes, hosted } : undefined
}

function isLayers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((layer) => Number.isInteger(layer))
}
