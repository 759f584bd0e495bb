#!/usr/bin/env node
import { existsSync } from 'node:fs'

const main = new URL('../dist/main.js', import.meta.url)

if (existsSync(main)) {
  const { runMain } = await import(main.href)
  await runMain(process.argv.slice(2))
} else {
  process.stderr.write('layerswarm is not built: run `npm run build`\n')
  process.exitCode = 1
}
