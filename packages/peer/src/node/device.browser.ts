import { DEVICE_MEMORY_UNIT_BYTES, MEGABIT_PER_SECOND_BYTES_PER_MS } from '../limits.ts'
import type { DeviceFacts } from './device.ts'

/** What some browsers tell of a device (W3C Device Memory, WICG Network Information); TypeScript's DOM library lacks it. */
interface TellingNavigator {
  /** GiB, rounded. */
  readonly deviceMemory?: number
  readonly connection?: {
    readonly saveData?: boolean
    readonly type?: string
    /** Mbit/s, as measured by the browser. */
    readonly downlink?: number
  }
}

/** What this browser tells of the device; Firefox tells nothing. */
export function deviceFacts(): DeviceFacts {
  const { deviceMemory, connection = {} } = navigator as unknown as TellingNavigator
  const { saveData, type, downlink } = connection
  return {
    savesData: saveData === true || type === 'cellular',
    downloadBytesPerMs:
      downlink === undefined ? undefined : downlink * MEGABIT_PER_SECOND_BYTES_PER_MS,
    memoryBytes: deviceMemory === undefined ? undefined : deviceMemory * DEVICE_MEMORY_UNIT_BYTES,
    usualEngine: 'ort-wasm',
  }
}
