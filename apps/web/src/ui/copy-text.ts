import { setText } from './dom.ts'
import { COPIED_SHOWN_MS } from './limits.ts'

/** Copies a text, and says so on the button that asked for it; where the browser forbids it, what to do instead. */
export async function copyText(
  text: string,
  button: HTMLButtonElement,
  otherwise: string,
): Promise<void> {
  const words = button.textContent ?? ''
  try {
    await navigator.clipboard.writeText(text)
    setText(button, 'Copied')
  } catch {
    setText(button, otherwise)
  }
  setTimeout(() => setText(button, words), COPIED_SHOWN_MS)
}
