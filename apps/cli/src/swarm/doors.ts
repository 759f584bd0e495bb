import { X509Certificate } from 'node:crypto'
import { homedir } from 'node:os'
import { join } from 'node:path'
import {
  type Certificate,
  keptCertificate,
  ownNames,
  type Ready,
  readCertificate,
} from '@layerswarm/signaling'
import { renderUnicodeCompact } from 'uqr'
import type { Document } from '../line/command.ts'
import type { Hosting } from '../line/hosting-options.ts'

/** A certificate, and where it is. */
export interface FoundCertificate extends Certificate {
  readonly file: string
  /** Made by this machine: browsers warn of it, and processes must be told to trust it. */
  readonly isOwn: boolean
}

/**
 * The certificate that a server is to speak TLS with, undefined for plain http.
 * @param dataDir where one of our own is kept; undefined for the user's folder of programs' data.
 * @throws SignalingError `bad-certificate`.
 */
export async function findCertificate(
  { tls, host }: Hosting,
  dataDir: string | undefined,
): Promise<FoundCertificate | undefined> {
  if (tls === 'none') return undefined
  if (tls !== 'own') return { ...(await readCertificate(tls)), file: tls.certFile, isOwn: false }
  const dir = dataDir ?? userDataFolder()
  const kept = await keptCertificate(dir, ownNames(host))
  return { ...kept, file: join(dir, 'tls-cert.pem'), isOwn: true }
}

/** XDG Base Directory Specification 0.8: `~/.local/share/layerswarm` unless XDG_DATA_HOME says another. */
function userDataFolder(): string {
  const base = process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share')
  return join(base, 'layerswarm')
}

/** Says where others can join, with a code for their cameras. */
export function describeDoors(
  { publicUrls, url }: Pick<Ready, 'publicUrls' | 'url'>,
  certificate: FoundCertificate | undefined,
): string[] {
  const [best] = publicUrls
  if (best === undefined) {
    const how = certificate === undefined ? '--host 0.0.0.0 --https' : '--host 0.0.0.0'
    return [`only this computer reaches it; ${how} lets others in`]
  }
  const isPlain = !publicUrls.some((one) => one.startsWith('https:'))
  const lines = ['others can join at', ...publicUrls.map((one) => `  ${one}`)]
  lines.push(...renderUnicodeCompact(best, { ecc: 'M', border: 2 }).split('\n'))
  if (certificate?.isOwn) {
    lines.push(
      'their browsers warn once, because the certificate is this machine’s own; its fingerprint is',
      `  ${fingerprintOf(certificate)}`,
      `and processes elsewhere need a copy of ${certificate.file}`,
    )
  } else if (isPlain && url.startsWith('http:')) {
    lines.push('browsers elsewhere join over https only: let them in with --https')
  }
  return lines
}

/** How a process elsewhere joins. */
export function joinCommand(url: string, certificate: FoundCertificate | undefined): string {
  const trust = certificate?.isOwn ? 'NODE_EXTRA_CA_CERTS=tls-cert.pem ' : ''
  return `${trust}npx layerswarm peer --join ${url}`
}

/** The same for programs. */
export function doorsDocument(
  { publicUrls }: Pick<Ready, 'publicUrls'>,
  certificate: FoundCertificate | undefined,
): Document {
  return {
    urls: publicUrls,
    certificate:
      certificate === undefined
        ? null
        : { file: certificate.file, fingerprint: fingerprintOf(certificate) },
  }
}

function fingerprintOf({ cert }: Certificate): string {
  return new X509Certificate(cert).fingerprint256
}
