import { encode } from 'uqr'
import { shareText } from '../logic/share.ts'
import { byId, setText } from './dom.ts'
import { COPIED_SHOWN_MS, QR_BORDER_MODULES, QR_MODULE_PIXELS } from './limits.ts'

/** The address of this swarm as a link and as a QR code, drawn when somebody opens it. */
export function createShareCard(address: string): void {
  const details = byId('share', HTMLDetailsElement)
  const link = byId('share-link', HTMLAnchorElement)
  const copy = byId('share-copy', HTMLButtonElement)
  link.href = address
  setText(link, address)
  setText(byId('share-note', HTMLElement), shareText(address))
  details.addEventListener('toggle', () => {
    if (details.open) drawCode(byId('share-code', HTMLCanvasElement), address)
  })
  copy.addEventListener('click', () => void copyText(address, copy))
}

async function copyText(text: string, button: HTMLButtonElement): Promise<void> {
  const words = button.textContent ?? ''
  try {
    await navigator.clipboard.writeText(text)
    setText(button, 'Copied')
  } catch {
    setText(button, 'Select the link and copy it')
  }
  setTimeout(() => setText(button, words), COPIED_SHOWN_MS)
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
