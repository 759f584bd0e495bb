/** What the process of a volunteer is asked; each order is answered by a report. */
export interface Order {
  /** From now on one way takes so much longer. */
  readonly lagMs?: number
}

/** What the process of a volunteer has sent so far. */
export interface ProcessReport {
  /** Payloads of gossip, each times those it went to, and tensors that were pulled. */
  readonly sentBytes: number
}

/** An order from a message of the parent process; undefined for anything else. */
export function parseOrder(message: unknown): Order | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { lagMs } = message as { lagMs?: unknown }
  return typeof lagMs === 'number' ? { lagMs } : {}
}

/** A report from a message of a volunteer's process; undefined for anything else. */
export function parseReport(message: unknown): ProcessReport | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { sentBytes } = message as { sentBytes?: unknown }
  return typeof sentBytes === 'number' ? { sentBytes } : undefined
}
