import { type Receipt, receiptText } from '@layerswarm/model'
import { saveButton } from './save-button.ts'

/** A button that saves a receipt as a file, for `layerswarm replay`. */
export function downloadButton(receipt: Receipt): HTMLButtonElement {
  return saveButton({
    text: 'Save the receipt',
    title:
      'Release, picture, orders and scores as a file; "layerswarm replay FILE" computes them again.',
    testid: 'receipt',
    type: 'application/json',
    fileName: () => {
      const time = receipt.createdAt.slice(0, 19).replaceAll(/[^\dT]/g, '')
      return `layerswarm-receipt-${time}.json`
    },
    content: () => receiptText(receipt),
  })
}
