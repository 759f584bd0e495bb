import { CodedError } from '@layerswarm/model'

/** What can keep a signaling server from starting, as data. */
export type SignalingFault =
  | { code: 'bad-option'; option: string }
  | { code: 'port-in-use'; port: number }
  | { code: 'port-forbidden'; port: number }
  | { code: 'bad-host'; host: string }
  | { code: 'bad-identity'; path: string }
  | { code: 'bad-certificate'; path: string }
  | { code: 'bad-release'; dir: string }
  | { code: 'no-release' }
  | { code: 'network-failed' }

/** The one error class of this package: `message` is a line for people, `fault` is for programs. */
export class SignalingError extends CodedError<SignalingFault> {
  override readonly name = 'SignalingError'
}

/** The first line of whatever was thrown, for use inside a message of one line. */
export function reasonOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  return text.split('\n', 1)[0]?.trim() ?? ''
}

/** The `code` of a system error (`EADDRINUSE`, `ENOENT`, …), if it has one. */
export function systemCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' ? thrown.code : undefined
}
