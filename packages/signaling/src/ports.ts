import { createServer } from 'node:net'
import { reasonOf, SignalingError, systemCode } from './errors.ts'

/** Turns what `listen` reports into a line that names the port and says what to do. */
export function portError(error: unknown, host: string, port: number): SignalingError {
  const code = systemCode(error)
  if (code === 'EADDRINUSE') {
    return new SignalingError(
      { code: 'port-in-use', port },
      `port ${port} is in use by another program; stop that one or choose another port`,
    )
  }
  if (code === 'EACCES') {
    return new SignalingError(
      { code: 'port-forbidden', port },
      `port ${port} may not be opened by this user; choose one above 1023`,
    )
  }
  return new SignalingError(
    { code: 'bad-host', host },
    `cannot listen on ${host}, port ${port} (${reasonOf(error)}); give an address of this machine`,
  )
}

/**
 * Whether a port can be opened, found by opening it: libp2p reports a busy one as text only.
 * @throws SignalingError `port-in-use`, `port-forbidden` or `bad-host`.
 */
export async function checkPort(host: string, port: number): Promise<void> {
  const probe = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject)
      probe.listen(port, host, resolve)
    })
  } catch (error) {
    throw portError(error, host, port)
  }
  await new Promise((resolve) => probe.close(resolve))
}
