import { linkWithKey, type SwarmKey } from '@layerswarm/swarm'
import { encode } from 'uqr'
import { shareText } from '../logic/share.ts'
import { copyText } from './copy-text.ts'
import { byId, setText } from './dom.ts'
import { QR_BORDER_MODULES, QR_MODULE_PIXELS } from './limits.ts'

/** The invitation, as long as the page is open. */
export interface ShareCard {
  /** Invites to this address from now on. */
  show(address: string): void
}

/**
 * The address of this swarm as a link and as a QR code, drawn when somebody opens it.
 * @param swarmKey of a private swarm, which is in the link then.
 */
export function createShareCard(beginning: string, swarmKey: SwarmKey | undefined): ShareCard {
  let address = beginning
  const details = byId('share', HTMLDetailsElement)
  const link = byId('share-link', HTMLAnchorElement)
  const copy = byId('share-copy', HTMLButtonElement)
  const draw = () => {
    if (details.open) drawCode(byId('share-code', HTMLCanvasElement), address)
  }
  const show = (next: string) => {
    address = swarmKey === undefined ? next : linkWithKey(next, swarmKey)
    link.href = address
    setText(link, address)
    setText(byId('share-note', HTMLElement), shareText(address))
    draw()
  }
  show(beginning)
  details.addEventListener('toggle', draw)
  copy.addEventListener('click', () => void copyText(address, copy, 'Select the link and copy it'))
  return { show }
}

/** Black on white in dark pages as well: phones read nothing else reliably. */
function drawCode(canvas: HTMLCanvasElement, text: string): void {
  const { data, size } = encode(text, { ecc: 'M', border: QR_BORDER_MODULES })
  canvas.width = size * QR_MODULE_PIXELS
  canvas.height = size * QR_MODULE_PIXELS
  const context = canvas.getContext('2d')
  if (context === null) return
  context.fillStyle = '#fff'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.fillStyle = '#000'
  for (const [y, row] of data.entries()) {
    for (const [x, dark] of row.entries()) {
      if (dark)
        context.fillRect(
          x * QR_MODULE_PIXELS,
          y * QR_MODULE_PIXELS,
          QR_MODULE_PIXELS,
          QR_MODULE_PIXELS,
        )
    }
  }
}
