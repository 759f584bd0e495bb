import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keptCertificate, makeCertificate, readCertificate } from './certificate.ts'
import { CERTIFICATE_LEFT_MS_MIN, CERTIFICATE_LIFE_MS } from './limits.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'layerswarm-certificate-'))
})
afterAll(() => rm(root, { recursive: true }))

const NAMES = ['localhost', '127.0.0.1', '192.0.2.7']

async function store(name: string, { cert, key }: { cert: string; key: string }) {
  const files = { certFile: join(root, `${name}-cert.pem`), keyFile: join(root, `${name}-key.pem`) }
  await writeFile(files.certFile, cert)
  await writeFile(files.keyFile, key)
  return files
}

describe('a certificate of our own', () => {
  test('is for the names that it was made for, and no others', async () => {
    const certificate = new X509Certificate((await makeCertificate(NAMES)).cert)
    expect(certificate.checkHost('localhost')).toBe('localhost')
    expect(certificate.checkIP('192.0.2.7')).toBe('192.0.2.7')
    expect(certificate.checkIP('192.0.2.8')).toBeUndefined()
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(certificate.ca).toBe(false)
  })

  test('is kept, readable by nobody else, until a name is added', async () => {
    const dir = join(root, 'kept')
    const first = await keptCertificate(dir, NAMES)
    expect(await keptCertificate(dir, NAMES)).toEqual(first)
    expect((await stat(join(dir, 'tls-key.pem'))).mode & 0o077).toBe(0)
    const second = await keptCertificate(dir, [...NAMES, '192.0.2.9'])
    expect(second.cert).not.toBe(first.cert)
    expect(await keptCertificate(dir, NAMES)).toEqual(second)
  })

  test('is made anew when it ends soon, or is damaged', async () => {
    const dir = join(root, 'ending')
    const { cert } = await keptCertificate(dir, NAMES)
    const ending = await makeCertificate(
      NAMES,
      Date.now() - CERTIFICATE_LIFE_MS + CERTIFICATE_LEFT_MS_MIN - 60_000,
    )
    for (const harm of [ending, { cert, key: 'no key' }]) {
      await writeFile(join(dir, 'tls-cert.pem'), harm.cert)
      await writeFile(join(dir, 'tls-key.pem'), harm.key)
      expect((await keptCertificate(dir, NAMES)).cert).not.toBe(harm.cert)
    }
  })

  test('cannot be kept where nothing can be written', async () => {
    await writeFile(join(root, 'file'), '')
    await expect(keptCertificate(join(root, 'file', 'dir'), NAMES)).rejects.toThrow(
      'cannot be kept',
    )
  })
})

describe('a given certificate', () => {
  test('is read with its key', async () => {
    const made = await makeCertificate(NAMES)
    expect(await readCertificate(await store('good', made))).toEqual(made)
  })

  test('is refused in one line when a file is missing, is none, or belongs to another', async () => {
    const [one, other] = [await makeCertificate(NAMES), await makeCertificate(NAMES)]
    const good = await store('one', one)
    const missing = { ...good, keyFile: join(root, 'nowhere.pem') }
    await expect(readCertificate(missing)).rejects.toThrow('nowhere.pem does not exist')
    const swapped = { certFile: good.keyFile, keyFile: good.certFile }
    await expect(readCertificate(swapped)).rejects.toThrow('holds no certificate as PEM')
    const keyless = await store('keyless', { cert: one.cert, key: 'no key' })
    await expect(readCertificate(keyless)).rejects.toThrow('holds no private key as PEM')
    const folder = { ...good, certFile: root }
    await expect(readCertificate(folder)).rejects.toThrow('is a folder')
    const mixed = await store('mixed', { cert: one.cert, key: other.key })
    await expect(readCertificate(mixed)).rejects.toThrow('is not the key of the certificate')
  })

  test('is refused with what to do when the key is encrypted', async () => {
    const { cert } = await makeCertificate(NAMES)
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const secret = { format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const
    for (const type of ['pkcs8', 'sec1'] as const) {
      const key = privateKey.export({ ...secret, type }).toString()
      await expect(readCertificate(await store(type, { cert, key }))).rejects.toThrow(
        'is encrypted; give the key without its passphrase',
      )
    }
  })

  test('is refused in one line of ours when TLS cannot be spoken with it', async () => {
    const { cert, key } = await makeCertificate(NAMES)
    const torn = `${cert}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`
    const error: unknown = await readCertificate(await store('torn', { cert: torn, key })).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({
      fault: { code: 'bad-certificate' },
      message: expect.stringMatching(/torn-cert\.pem cannot be used for TLS \([\w ]+\)/),
    })
  })

  test('is refused before its time, when a clock is wrong', async () => {
    const early = await makeCertificate(NAMES, Date.now() + 2 * 3_600_000)
    await expect(readCertificate(await store('early', early))).rejects.toThrow('is valid from')
  })

  test('is refused when it is past its time', async () => {
    const old = await makeCertificate(NAMES, Date.now() - CERTIFICATE_LIFE_MS - 3_600_000)
    await expect(readCertificate(await store('old', old))).rejects.toThrow('has expired on')
  })
})
