import { readFile } from 'node:fs/promises'
import { dirname, join, parse } from 'node:path'
import { makeFolder, prettyJson, replaceFile } from '../files.ts'
import type { Evaluation } from './evaluate-models.ts'
import type { Section } from './related-work-section.ts'
import { evaluationHtml } from './report-html.ts'
import { evaluationMarkdown } from './report-markdown.ts'
import { resultsPage } from './results-page.ts'

/** Writes report.json, report.md and report.html, each in one step. */
export async function writeEvaluation(folder: string, evaluation: Evaluation): Promise<void> {
  await makeFolder(folder)
  await replaceFile(join(folder, 'report.json'), prettyJson(evaluation))
  await replaceFile(join(folder, 'report.md'), evaluationMarkdown(evaluation))
  await replaceFile(join(folder, 'report.html'), evaluationHtml(evaluation))
}

/** Begins what of the page other commands have measured. */
const OTHER_MEASUREMENTS = '## Measured by other commands'

/**
 * Writes the page that sets the figures beside the claims of the paper, and its plots into the
 * folder `figures` beside it. What stands in it from `OTHER_MEASUREMENTS` on stays.
 * @param command the command line that makes it again.
 */
export async function writeResultsPage(
  file: string,
  evaluation: Evaluation,
  command: string,
): Promise<void> {
  await makeFolder(dirname(file))
  const { text, figures } = resultsPage(evaluation, command, parse(file).name)
  for (const [path, svg] of figures) {
    const figure = join(dirname(file), path)
    await makeFolder(dirname(figure))
    await replaceFile(figure, svg)
  }
  await replaceFile(file, `${text}${await measuredElsewhere(file)}`)
}

/** The end of a page that is there already; nothing of one that is not. */
async function measuredElsewhere(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const start = text.indexOf(`\n${OTHER_MEASUREMENTS}\n`)
  return start < 0 ? '' : text.slice(start)
}

/**
 * Writes a section into the page of results, among the measurements of other commands: in the place
 * of the one of its title, or at the end.
 */
export async function writeSection(file: string, { title, text }: Section): Promise<void> {
  await makeFolder(dirname(file))
  const page = await readFile(file, 'utf8').catch(() => '')
  const start = page.indexOf(`\n${title}\n`)
  const section = `${title}\n\n${text}\n`
  if (start < 0) {
    const above = page.includes(`\n${OTHER_MEASUREMENTS}\n`) ? '' : `\n${OTHER_MEASUREMENTS}\n`
    await replaceFile(file, `${page.trimEnd()}\n${above}\n${section}`)
    return
  }
  const from = start + 1 + title.length
  const next = page.slice(from).search(/\n#{1,3} /)
  const rest = next < 0 ? '' : page.slice(from + next)
  await replaceFile(file, `${page.slice(0, start + 1)}${section}${rest}`)
}
