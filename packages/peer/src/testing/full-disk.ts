import { execFileSync } from 'node:child_process'

/** Runs with a disk on which no byte can be written: the limit of file sizes (setrlimit, RLIMIT_FSIZE) is 0. */
export async function onFullDisk<R>(work: () => Promise<R>): Promise<R> {
  const limit = (size: string) =>
    execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${size}:unlimited`])
  const survive = () => {}
  // Without a listener this signal ends the process; with one, the write fails.
  process.on('SIGXFSZ', survive)
  limit('0')
  try {
    return await work()
  } finally {
    limit('unlimited')
    process.off('SIGXFSZ', survive)
  }
}
