/** What the codes of the operating system mean to a person who has named a file or a folder. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the quota is used up',
  EFBIG: 'no file may grow that long here',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'it is not a folder',
  ENOENT: 'the folder does not exist',
  EISDIR: 'it is a folder',
}

/** Why a file or a folder could not be used, as the end of a line: "no space is left on the device". */
export function fileReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return REASONS[code] ?? `the system says ${code || String(error)}`
}
