import { type Receipt, receiptText } from '@layerswarm/model'
import { html } from './dom.ts'
import { RECEIPT_URL_MS } from './limits.ts'

/** A button that saves a receipt as a file, for `layerswarm replay`. */
export function downloadButton(receipt: Receipt): HTMLButtonElement {
  const button = html('button', {
    class: 'receipt',
    text: 'Save the receipt',
    attributes: {
      type: 'button',
      title:
        'Release, picture, orders and scores as a file; "layerswarm replay FILE" computes them again.',
    },
  })
  button.dataset.testid = 'receipt'
  button.addEventListener('click', () => {
    const url = URL.createObjectURL(new Blob([receiptText(receipt)], { type: 'application/json' }))
    const time = receipt.createdAt.slice(0, 19).replaceAll(/[^\dT]/g, '')
    html('a', { attributes: { href: url, download: `layerswarm-receipt-${time}.json` } }).click()
    setTimeout(() => URL.revokeObjectURL(url), RECEIPT_URL_MS)
  })
  return button
}
