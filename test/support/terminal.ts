import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../apps/cli/bin/layerswarm.js', import.meta.url))

/** The narrowest usual terminal. */
export const COLUMNS = 80
const ROWS = 24

/** Longest run of one command on a slow and busy machine; its terminal goes with it. */
const RUN_MS_MAX = 100_000

/** What a command did to a terminal. */
export interface Shown {
  readonly code: number | null
  /** Lines in the order in which they were begun or drawn over, each as it stood when it was left. */
  readonly drawn: readonly string[]
  /** What stands there in the end, above the cursor and below. */
  readonly left: readonly string[]
}

/** Runs the built command in a terminal of 80 columns, stdout and stderr in one. Ended by SIGINT once `until` is shown. */
export function runInTerminal(words: readonly string[], until?: RegExp): Promise<Shown> {
  const command = [process.execPath, bin, ...words].map(quoted).join(' ')
  // util-linux: a terminal of its own, the command's exit code, nothing kept.
  const run = `stty cols ${COLUMNS} rows ${ROWS}; exec ${command}`
  const child = spawn('script', ['--quiet', '--return', '--command', run, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const screen = new Screen()
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more
    // Ctrl-c, as a person ends it.
    if (until?.test(text) && child.stdin.writable) child.stdin.end('\u0003')
  })
  const killer = setTimeout(() => child.kill('SIGKILL'), RUN_MS_MAX)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(killer)
      resolve({ code, ...screen.show(text) })
    })
  })
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

const ESCAPE = '\u001b'
/** New lines, control sequences, the echo of ctrl-c, and what stands between them. */
const TOKENS = new RegExp(
  `\\r?\\n|\\r|${ESCAPE}\\[[\\d;?]*[A-Za-z]|\\^C|[^\\r\\n${ESCAPE}^]+|.`,
  'g',
)

/** As much of a terminal as the command uses: new lines, the first cell again, erasing to the end of a line. */
class Screen {
  private readonly lines = ['']
  private readonly drawn: string[] = []

  show(text: string): Pick<Shown, 'drawn' | 'left'> {
    for (const [token] of text.matchAll(TOKENS)) this.take(token)
    this.leave()
    return {
      drawn: this.drawn,
      left: this.lines.filter((line, at) => line !== '' || at < this.lines.length - 1),
    }
  }

  private take(token: string): void {
    if (token.endsWith('\n')) {
      this.leave()
      this.lines.push('')
    } else if (token === '\r') this.leave()
    else if (token === '\u001b[K') this.lines[this.lines.length - 1] = ''
    else if (token.startsWith('\u001b['))
      throw new Error(`${JSON.stringify(token)} is not known here`)
    else if (token !== '^C') this.lines[this.lines.length - 1] += token
  }

  private leave(): void {
    const line = this.lines.at(-1) ?? ''
    if (line !== '') this.drawn.push(line)
  }
}
