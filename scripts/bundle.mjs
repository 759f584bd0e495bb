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

const peerEntries = (rest) => ({
  index: 'index.js',
  snapshot: 'snapshot.js',
  images: 'images/images.js',
  'join-url': 'meeting/join-url.js',
  ...rest,
})
const workers = (...names) =>
  Object.fromEntries(
    names.map((name) => [`compute.worker.${name}`, `compute/compute.worker.${name}.js`]),
  )

/**
 * One entry per file that others import or that is started as a worker, by its name in the bundle.
 * `whole` ones take our own packages along: nobody resolves imports for a worker or a script tag.
 */
const BUNDLES = [
  {
    folder: 'packages/peer',
    to: 'dist/bundle/node',
    platform: 'node',
    passes: [
      {
        entries: peerEntries({
          node: 'engines.node.js',
          echo: 'echo/echo.js',
          'visit-parts': 'testing/visit-parts.js',
          ...workers('node'),
        }),
      },
    ],
    beside: ['ort-wasm-simd-threaded.mjs', ...WASM],
  },
  {
    folder: 'packages/peer',
    to: 'dist/bundle/browser',
    platform: 'browser',
    passes: [
      {
        entries: peerEntries({ browser: 'engines.browser.js', element: 'element/layer-swarm.js' }),
      },
      {
        entries: workers('wasm', 'jspi', 'webgpu', 'tfjs'),
        whole: true,
        chunks: 'worker-[name].js',
      },
      { entries: { layerswarm: 'element/script.js' }, whole: true, oneFile: true },
    ],
    beside: BROWSER_WASM,
  },
  {
    folder: 'packages/signaling',
    to: 'dist/bundle',
    platform: 'node',
    passes: [{ entries: { index: 'index.js' } }],
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

/** The folders of the packages that were bundled. */
function bundledFolders(chunks) {
  const files = chunks
    .flatMap(({ moduleIds = [] }) => moduleIds)
    .map((id) => id.split('?')[0])
    .filter((id) => id.includes('/node_modules/') && existsSync(id))
  return [...new Set(files.map(packageFolder))].toSorted()
}

/** Native code is found by its place beside its package: such a package cannot be bundled. */
function refuseNative(place, folders) {
  for (const folder of folders) {
    const { name, binary, gypfile } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    if (binary !== undefined || gypfile === true) {
      throw new Error(
        `${place}: ${name} has native code: name it in dependencies, so that it stays outside`,
      )
    }
  }
}

/** The licences of packages, which ask to go along. */
function licences(folders) {
  return folders.map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    )
    const texts = readdirSync(folder)
      .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
      .filter((file) => statSync(join(folder, file)).isFile())
      .map((file) => readFileSync(join(folder, file), 'utf8').trim())
    return [`${name} ${version}, licence: ${license}`, ...texts].join('\n\n')
  })
}

/** Whether an import stays one: Node's own modules and what the package declares. */
function staysOutside(declared) {
  return (id) => isBuiltin(id) || declared.some((name) => id === name || id.startsWith(`${name}/`))
}

/** Bundles some entries. @returns the files, not written yet. */
async function runPass(folder, platform, declared, pass) {
  const { entries, whole = false, oneFile = false, chunks = 'shared-[name].js' } = pass
  const from = join(root, folder, 'dist')
  const files = Object.entries(entries).map(([name, file]) => [name, join(from, file)])
  const made = await rolldown({
    input: Object.fromEntries(files),
    platform,
    external: staysOutside(whole ? [] : declared),
    logLevel: 'warn',
    // Whatever is not found would be missing where the package is installed.
    onLog(level, log, report) {
      if (log.code === 'UNRESOLVED_IMPORT') throw new Error(`${folder}: ${log.message}`)
      if (log.code !== 'EVAL') report(level, log)
    },
  })
  const names = { entryFileNames: '[name].js', chunkFileNames: chunks }
  const split = oneFile ? { codeSplitting: false } : {}
  const { output } = await made.generate({ format: 'esm', minify: oneFile, ...names, ...split })
  await made.close()
  return output
}

async function bundle({ folder, to, platform, passes, beside }) {
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
  const output = []
  for (const pass of passes) output.push(...(await runPass(folder, platform, declared, pass)))
  const others = bundledFolders(output)
  refuseNative(folder, others)
  const out = join(root, folder, to)
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  for (const { fileName, code, source } of output)
    writeFileSync(join(out, fileName), code ?? source)
  // A dependency of the peer, wherever npm has put it.
  const peer = createRequire(join(root, 'packages/peer/package.json'))
  const runtime = dirname(peer.resolve('onnxruntime-web'))
  for (const file of beside) copyFileSync(join(runtime, file), join(out, file))
  const texts = licences(others).join(`\n\n${'-'.repeat(80)}\n\n`)
  writeFileSync(join(out, 'licences.txt'), `${texts}\n`)
}

for (const one of BUNDLES) await bundle(one)
