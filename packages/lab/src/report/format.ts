import { escapeXml } from '@layerswarm/figures'

/** The first line of every report. */
export function protocolLine({ protocol }: { readonly protocol: string }): string {
  return `Protocol: ${protocol}.`
}

/** Lines of a table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}

/** A table in HTML; every cell is text. */
export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeXml(cell)}</${tag}>`).join('')}</tr>`
  return `<table><thead>${line(head, 'th')}</thead><tbody>${rows.map((row) => line(row, 'td')).join('')}</tbody></table>`
}

/** A share from 0 to 1, for people. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0.99 && share < 1 ? 2 : 1)} %`
}

/** How long answers took, for people; a dash where there was none. @param answered their number, or share. */
export function answerTime(ms: number, answered: number): string {
  return answered === 0 ? '–' : `${Math.round(ms)} ms`
}

/** Bytes as thousands of them, for people. */
export function kilobytes(bytes: number): string {
  return (bytes / 1_000).toFixed(1)
}
