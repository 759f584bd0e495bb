import { makeCertificate } from '@layerswarm/signaling'
import { expect, test } from 'vitest'
import { describeDoors } from './doors.ts'

const alone = { publicUrls: [], url: 'https://127.0.0.1:9000' }

test('a server that only this machine reaches is told the flags that it lacks, and no others', async () => {
  expect(describeDoors(alone, undefined)).toEqual([
    'only this computer reaches it; --host 0.0.0.0 --https lets others in',
  ])
  const certificate = { ...(await makeCertificate(['localhost'])), file: 'cert.pem', isOwn: false }
  expect(describeDoors(alone, certificate)).toEqual([
    'only this computer reaches it; --host 0.0.0.0 lets others in',
  ])
})
