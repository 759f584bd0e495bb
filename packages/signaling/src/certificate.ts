import { createPrivateKey, type KeyObject, X509Certificate as NodeCertificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { fileReason } from '@layerswarm/model'
import { reasonOf, SignalingError, systemCode } from './errors.ts'
import { CERTIFICATE_LEFT_MS_MIN, CERTIFICATE_LIFE_MS, CERTIFICATE_NAMES_MAX } from './limits.ts'
import { makeFolder, replaceFile } from './replace-file.ts'

/** A certificate, with those that vouch for it behind it, and its key, both as PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** A certificate's place on disk. */
export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

/**
 * Makes a certificate that vouches for itself: browsers warn of it once, and the connection is as
 * private as with any other. RFC 5280; an elliptic key (P-256), which every browser takes.
 * @param names host names and IP addresses that it is for.
 */
export async function makeCertificate(
  names: readonly string[],
  fromMs: number = Date.now(),
): Promise<Certificate> {
  // Loaded by the one start that makes a certificate; the second needs what the first defines.
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Layerswarm',
    // A clock that is an hour behind believes it as well.
    notBefore: new Date(fromMs - 3_600_000),
    notAfter: new Date(fromMs + CERTIFICATE_LIFE_MS),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.slice(0, CERTIFICATE_NAMES_MAX).map((value) => ({
          type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const),
          value,
        })),
      ),
    ],
  })
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: `${x509.PemConverter.encode(key, x509.PemConverter.PrivateKeyTag)}\n`,
  }
}

/**
 * The certificate that is kept in a folder, as long as it lasts and is for all these names; another
 * one takes its place when not. Whoever has accepted it is not asked again.
 * @throws SignalingError `bad-certificate` when the folder cannot be read or written.
 */
export async function keptCertificate(dir: string, names: readonly string[]): Promise<Certificate> {
  const files = { certFile: join(dir, 'tls-cert.pem'), keyFile: join(dir, 'tls-key.pem') }
  try {
    const known = await readKept(files)
    if (known !== undefined && serves(known, names)) return known
    const made = await makeCertificate(names)
    await makeFolder(dir)
    await write(files.keyFile, made.key)
    await write(files.certFile, made.cert)
    return made
  } catch (error) {
    throw bad(
      files.certFile,
      `cannot be kept: ${fileReason(error)}; name a folder that can be written to, with room left`,
    )
  }
}

/**
 * Reads a certificate and its key, as PEM files.
 * @throws SignalingError `bad-certificate` when one is missing or none, they do not belong together,
 * it is past its time or before it, or no browser speaks TLS with it.
 */
export async function readCertificate({
  certFile,
  keyFile,
}: CertificateFiles): Promise<Certificate> {
  const certificate = { cert: await readPem(certFile), key: await readPem(keyFile) }
  const parsed = parse(certFile, () => new NodeCertificate(certificate.cert), 'certificate')
  const key = parseKey(keyFile, certificate.key)
  if (!parsed.checkPrivateKey(key)) {
    throw bad(keyFile, `is not the key of the certificate in ${certFile}`)
  }
  const untilMs = Date.parse(parsed.validTo)
  if (untilMs < Date.now()) {
    throw bad(certFile, `has expired on ${parsed.validTo}; renew it and start again`)
  }
  if (Date.parse(parsed.validFrom) > Date.now()) {
    throw bad(certFile, `is valid from ${parsed.validFrom} on; is the clock of this machine right?`)
  }
  checkUse(certFile, certificate, key)
  return certificate
}

/** What a TLS server could not be made of, or no browser would speak with. */
function checkUse(certFile: string, certificate: Certificate, key: KeyObject): void {
  const { asymmetricKeyType: kind = 'unknown' } = key
  if (kind !== 'rsa' && kind !== 'ec') {
    throw bad(
      certFile,
      `has a key of the kind ${kind}, with which browsers do not speak; make one with an RSA or P-256 key`,
    )
  }
  try {
    createSecureContext(certificate)
  } catch (error) {
    // As "error:0A00018F:SSL routines::ee key too small".
    const reason = reasonOf(error).split(':').at(-1)?.trim() ?? ''
    throw bad(
      certFile,
      `cannot be used for TLS (${reason}); it and those behind it must be whole, its key of 2048 bits at least`,
    )
  }
}

function parseKey(keyFile: string, pem: string): KeyObject {
  if (/^-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    throw bad(
      keyFile,
      `is encrypted; give the key without its passphrase: openssl pkey -in ${keyFile} -out FILE`,
    )
  }
  return parse(keyFile, () => createPrivateKey(pem), 'private key')
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT') throw bad(file, 'does not exist')
    if (code === 'EISDIR') throw bad(file, 'is a folder; name the PEM file in it')
    if (code === 'EACCES') throw bad(file, 'may not be read by this user')
    throw bad(file, `cannot be read (${reasonOf(error)})`)
  }
}

function parse<T>(file: string, read: () => T, what: string): T {
  try {
    return read()
  } catch {
    throw bad(file, `holds no ${what} as PEM`)
  }
}

function bad(path: string, reason: string): SignalingError {
  return new SignalingError({ code: 'bad-certificate', path }, `${path} ${reason}`)
}

async function readKept(files: CertificateFiles): Promise<Certificate | undefined> {
  // Damaged, half written or too old: it is made anew.
  return readCertificate(files).catch(() => undefined)
}

function serves({ cert }: Certificate, names: readonly string[]): boolean {
  const parsed = new NodeCertificate(cert)
  const left = Date.parse(parsed.validTo) - Date.now()
  return left > CERTIFICATE_LEFT_MS_MIN && names.every((name) => isFor(parsed, name))
}

function isFor(certificate: NodeCertificate, name: string): boolean {
  const match = isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)
  return match !== undefined
}

function write(path: string, text: string): Promise<void> {
  return replaceFile(path, (draft) => writeFile(draft, text, { mode: 0o600 }))
}
