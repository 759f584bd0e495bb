/** What crossed a simulated network so far. Bytes are counted where they are sent, whether or not they arrive. */
export interface LabTraffic {
  publishes: number
  /** Of these, steps, claims and done messages. */
  requestMessages: number
  /** Copies sent, duplicates included. */
  copies: number
  deliveries: number
  /** Steps, claims and done messages, every copy counted. */
  requestBytes: number
  /** Presence, every copy counted, and questions how full the lanes are. */
  controlBytes: number
  pulledBytes: number
  /** Messages that a receiver ignored, because their author was beyond its rate. */
  overQuota: number
  /** Messages that a receiver's gate rejected. */
  rejected: number
  /** Copies that a saturated uplink never sent. */
  dropped: number
}

/** A network in which nothing has been said yet. */
export function noTraffic(): LabTraffic {
  return {
    publishes: 0,
    requestMessages: 0,
    copies: 0,
    deliveries: 0,
    requestBytes: 0,
    controlBytes: 0,
    pulledBytes: 0,
    overQuota: 0,
    rejected: 0,
    dropped: 0,
  }
}

/** All bytes that anybody sent. */
export function sentBytes({ requestBytes, controlBytes, pulledBytes }: LabTraffic): number {
  return requestBytes + controlBytes + pulledBytes
}
