// Bundles the packages that are built on libp2p and on runtimes of ONNX with what they need of
// others (docs/decisions/0019). What stays outside is what their package.json names as dependencies.
//
//   node scripts/bundle.mjs        after `tsc -b`
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What ONNX Runtime fetches or imports from beside the file that it is bundled into. */
const WASM = ['ort-wasm-simd-threaded.wasm']
const BROWSER_WASM = [
  ...WASM,
  'ort-wasm-simd-threaded.jspi.wasm',
  'ort-wasm-simd-threaded.asyncify.wasm',
]

const peerEntries = (rest) => ({ index: 'index.js', snapshot: 'snapshot.js', ...rest })
const worker = (name) => [`compute.worker.${name}`, `compute/compute.worker.${name}.js`]

/** One entry per file that others import or that is started as a worker, by its name in the bundle. */
const BUNDLES = [
  {
    folder: 'packages/peer',
    to: 'dist/bundle/node',
    platform: 'node',
    entries: peerEntries({
      node: 'engines.node.js',
      echo: 'echo/echo.js',
      'visit-parts': 'testing/visit-parts.js',
      ...Object.fromEntries([worker('node')]),
    }),
    beside: ['ort-wasm-simd-threaded.mjs', ...WASM],
  },
  {
    folder: 'packages/peer',
    to: 'dist/bundle/browser',
    platform: 'browser',
    entries: peerEntries({
      browser: 'engines.browser.js',
      ...Object.fromEntries(['wasm', 'jspi', 'webgpu', 'tfjs'].map(worker)),
    }),
    beside: BROWSER_WASM,
  },
  {
    folder: 'packages/signaling',
    to: 'dist/bundle',
    platform: 'node',
    entries: { index: 'index.js' },
    beside: [],
  },
]

/** The folder of the package that a module belongs to. */
function packageFolder(file) {
  let folder = dirname(file)
  for (;;) {
    const manifest = join(folder, 'package.json')
    if (existsSync(manifest) && 'version' in JSON.parse(readFileSync(manifest, 'utf8')))
      return folder
    folder = dirname(folder)
  }
}

/** The licences of everything that was bundled, which ask to go along. */
function licences(chunks) {
  const modules = chunks.flatMap(({ moduleIds = [] }) => moduleIds)
  const files = modules
    .map((id) => id.split('?')[0])
    .filter((id) => id.includes('/node_modules/') && existsSync(id))
  const folders = [...new Set(files.map(packageFolder))].toSorted()
  return folders.map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    )
    const texts = readdirSync(folder)
      .filter(
        (file) =>
          /^(licen[cs]e|copying|notice)/i.test(file) && statSync(join(folder, file)).isFile(),
      )
      .map((file) => readFileSync(join(folder, file), 'utf8').trim())
    return [`${name} ${version}, licence: ${license}`, ...texts].join('\n\n')
  })
}

/** Whether an import stays one: Node's own modules and what the package declares. */
function staysOutside(declared) {
  return (id) => isBuiltin(id) || declared.some((name) => id === name || id.startsWith(`${name}/`))
}

async function bundle({ folder, to, platform, entries, beside }) {
  const from = join(root, folder, 'dist')
  const { dependencies = {}, peerDependencies = {} } = JSON.parse(
    readFileSync(join(root, folder, 'package.json'), 'utf8'),
  )
  const declared = Object.keys({ ...dependencies, ...peerDependencies })
  const made = await rolldown({
    input: Object.fromEntries(
      Object.entries(entries).map(([name, file]) => [name, join(from, file)]),
    ),
    platform,
    external: staysOutside(declared),
    logLevel: 'warn',
    // Whatever is not found would be missing where the package is installed.
    onLog(level, log, report) {
      if (log.code === 'UNRESOLVED_IMPORT') throw new Error(`${folder}: ${log.message}`)
      if (level === 'warn' && log.code === 'EVAL') return
      report(level, log)
    },
  })
  const out = join(root, folder, to)
  const { output } = await made.generate({
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'shared-[name].js',
  })
  await made.close()
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  for (const { fileName, code, source } of output) {
    mkdirSync(dirname(join(out, fileName)), { recursive: true })
    writeFileSync(join(out, fileName), code ?? source)
  }
  // A dependency of the peer, wherever npm has put it.
  const runtime = dirname(
    createRequire(join(root, 'packages/peer/package.json')).resolve('onnxruntime-web'),
  )
  for (const file of beside) copyFileSync(join(runtime, file), join(out, file))
  writeFileSync(
    join(out, 'licences.txt'),
    `${licences(output).join(`\n\n${'-'.repeat(80)}\n\n`)}\n`,
  )
}

for (const one of BUNDLES) await bundle(one)
