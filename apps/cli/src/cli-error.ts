import { CodedError, oneLine } from '@layerswarm/model'

/** What the command line itself finds wrong; everything else comes from the packages. */
export type CliFault =
  | { code: 'bad-usage' }
  | { code: 'not-found'; path: string }
  | { code: 'bad-file'; path: string }
  | { code: 'bad-picture'; path: string }
  | { code: 'port-taken'; port: number }
  | { code: 'refused'; what: string }
  | { code: 'disagrees'; difference: number }
  | { code: 'unanswered'; files: number }
  | { code: 'not-asked' }
  | { code: 'interrupted' }

/** The one error class of the command: `message` is a line for people, `fault` is for programs. */
export class CliError extends CodedError<CliFault> {
  override readonly name = 'CliError'
}

/** Wrong flags or arguments: exit code 2. */
export function usageError(message: string): CliError {
  return new CliError({ code: 'bad-usage' }, message)
}

/** One line and one code for anything that was thrown. */
export function describeError(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: 'unexpected', message: oneLine(String(error)) }
  const message = oneLine(error.message) || error.name
  const fault: unknown = 'fault' in error ? error.fault : undefined
  if (typeof fault === 'object' && fault !== null && 'code' in fault) {
    return { code: String(fault.code), message }
  }
  const systemCode = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return { code: 'unexpected', message: systemMessage(systemCode, error) ?? message }
}

/** What the operating system's codes mean to a person. */
function systemMessage(code: string | undefined, error: Error): string | undefined {
  const path = 'path' in error && typeof error.path === 'string' ? error.path : undefined
  if (path === undefined) {
    return code === 'ENOSPC' ? 'no space is left on the device that is written to' : undefined
  }
  if (code === 'ENOENT') return `${path} does not exist`
  if (code === 'EACCES' || code === 'EPERM') return `${path} cannot be used: permission denied`
  if (code === 'EISDIR') return `${path} is a folder, not a file`
  if (code === 'EEXIST') return `${path} is there already, and is no folder`
  if (code === 'ENOTDIR') return `${path} lies below something that is not a folder`
  if (code === 'EROFS') return `${path} cannot be written: the file system is read-only`
  if (code === 'ENOSPC') return `no space is left to write ${path}`
  return undefined
}
