import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const test = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)

/** TypeScript out of a document, made runnable: files of a folder inside the tests, so that `@layerswarm/*` resolves. */
export interface Snippets {
  /** Writes a file and returns its path. */
  write(name: string, source: string): string
  /** Imports a file that was written. */
  load(name: string): Promise<Readonly<Record<string, unknown>>>
  /** What the compiler has to say about all files, empty when it is content. */
  complaints(): string
  remove(): void
}

/** @param name of the folder, for people who look into one that a killed run has left. */
export function openSnippets(name: string): Snippets {
  // `dist` is what git, the linter and the build leave alone.
  mkdirSync(join(test, 'dist'), { recursive: true })
  const folder = mkdtempSync(join(test, 'dist', `${name}-`))
  return {
    write(file, source) {
      const path = join(folder, file)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, source)
      return path
    },
    load: (file) => import(/* @vite-ignore */ join(folder, file)),
    complaints() {
      const config = {
        extends: '../../tsconfig.json',
        compilerOptions: { composite: false, noEmit: true, rootDir: '../../..' },
        // From the sources, not from a build that may be older: their own declarations come along.
        include: ['**/*.ts', '../../../packages/*/src/**/*.d.ts'],
        exclude: [],
        references: [],
      }
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
      const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc')
      try {
        execFileSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
          encoding: 'utf8',
        })
        return ''
      } catch (error) {
        return String((error as { stdout?: string }).stdout ?? error)
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
