import { totalmem } from 'node:os'
import process from 'node:process'
import type { DeviceFacts } from './device.ts'

/** This machine, or what a container lets this process have of it; nobody measures its connection. */
export function deviceFacts(): DeviceFacts {
  const allowed = process.constrainedMemory()
  const memoryBytes = allowed > 0 ? Math.min(allowed, totalmem()) : totalmem()
  return { savesData: false, downloadBytesPerMs: undefined, memoryBytes, usualEngine: 'ort-node' }
}
