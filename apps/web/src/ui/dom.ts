/**
 * The element of the page with this id.
 * @throws Error when index.html and the code disagree.
 */
export function byId<T extends Element>(id: string, type: abstract new () => T): T {
  const element = document.getElementById(id)
  if (!(element instanceof type)) throw new Error(`index.html lacks a ${type.name} with id "${id}"`)
  return element
}

interface Parts {
  /** Class names, separated by spaces. */
  readonly class?: string
  /** Text content; whatever it contains, it stays text. */
  readonly text?: string
  readonly attributes?: Readonly<Record<string, string>>
}

/** Makes an HTML element with its children. */
export function html<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  parts: Parts = {},
  ...children: Element[]
): HTMLElementTagNameMap[K] {
  return furnish(document.createElement(tag), parts, children)
}

/** Makes an SVG element with its children. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  parts: Parts = {},
  ...children: Element[]
): SVGElementTagNameMap[K] {
  return furnish(document.createElementNS('http://www.w3.org/2000/svg', tag), parts, children)
}

function furnish<T extends Element>(element: T, parts: Parts, children: readonly Element[]): T {
  if (parts.class !== undefined) element.setAttribute('class', parts.class)
  if (parts.text !== undefined) element.textContent = parts.text
  for (const [name, value] of Object.entries(parts.attributes ?? {}))
    element.setAttribute(name, value)
  element.append(...children)
  return element
}

/** Writes text only when it changes, so that live regions are read once and selections survive. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** Writes a line into a paragraph that is hidden while it has nothing to say. */
export function setLine(element: HTMLElement, text: string | undefined): void {
  setText(element, text ?? '')
  element.hidden = text === undefined || text === ''
}
