import { html } from './dom.ts'
import { SAVED_URL_MS } from './limits.ts'

/** A button that saves a text as a file. */
export interface SaveButton {
  readonly text: string
  /** Shown when the pointer rests on it. */
  readonly title: string
  readonly testid: string
  /** As a MIME type. */
  readonly type: string
  fileName(): string
  content(): string
}

/** @returns the button; the browser asks where the file goes, or puts it with its downloads. */
export function saveButton(how: SaveButton): HTMLButtonElement {
  const { text, title, testid, type, fileName, content } = how
  const button = html('button', { class: 'receipt', text, attributes: { type: 'button', title } })
  button.dataset.testid = testid
  button.addEventListener('click', () => {
    const url = URL.createObjectURL(new Blob([content()], { type }))
    html('a', { attributes: { href: url, download: fileName() } }).click()
    setTimeout(() => URL.revokeObjectURL(url), SAVED_URL_MS)
  })
  return button
}
