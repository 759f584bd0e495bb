// How a script of this folder ends that cannot go on.

/** What is wrong outside the script, in one line: a machine too busy, a swarm that does not come together. */
export class Failure extends Error {}

/** From now on what is wrong outside the script ends it with 1 and that line alone; a fault of the script keeps its stack. */
export function endInOneLine() {
  process.once('uncaughtException', (error) => {
    const isOutside = error instanceof Failure || error?.name === 'PeerError'
    process.stderr.write(`${isOutside ? error.message.split('\n')[0] : error.stack}\n`)
    process.exit(1)
  })
}
