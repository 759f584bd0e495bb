import type { EngineName } from '@layerswarm/model'

/** What a device says of itself; undefined where it does not. */
export interface DeviceFacts {
  /** Its connection is metered, or is to save data. */
  readonly savesData: boolean
  readonly downloadBytesPerMs: number | undefined
  /** Memory of the machine, or what this process may take of it. */
  readonly memoryBytes: number | undefined
  /** The engine that computes here as a rule. */
  readonly usualEngine: EngineName
}
