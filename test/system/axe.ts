import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** An expression that gives the serious and critical findings, once axe is there. */
const FINDINGS = `axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations
  .filter(({ impact }) => impact === 'serious' || impact === 'critical')
  .flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ' ' + target.join(' '))))`

/** The same in any browser. @param evaluate gives the value of an expression in the page. */
export async function axeFindings(
  evaluate: (expression: string) => Promise<unknown>,
): Promise<string[]> {
  await evaluate(`(() => { ${await readFile(AXE, 'utf8')}; window.axe ??= axe })()`)
  return (await evaluate(FINDINGS)) as string[]
}

/** Serious and critical findings of axe on the page as it is. */
export async function seriousFindings(page: Page): Promise<string[]> {
  // Into a world of its own: the page's policy lets nobody add a script.
  const source = await readFile(AXE, 'utf8')
  const devtools = await page.context().newCDPSession(page)
  const { frameTree } = await devtools.send('Page.getFrameTree')
  const { executionContextId: contextId } = await devtools.send('Page.createIsolatedWorld', {
    frameId: frameTree.frame.id,
  })
  await devtools.send('Runtime.evaluate', { contextId, expression: source })
  const { result, exceptionDetails } = await devtools.send('Runtime.evaluate', {
    contextId,
    awaitPromise: true,
    returnByValue: true,
    expression: FINDINGS,
  })
  await devtools.detach()
  if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text)
  return result.value as string[]
}

/** Windows of a desk and of a phone. */
export const VIEWS = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
] as const

/** axe on wide and narrow windows, each dark or light. */
export async function expectAccessible(
  page: Page,
  schemes: readonly (readonly ['dark' | 'light', (typeof VIEWS)[number]])[],
): Promise<void> {
  for (const [colorScheme, view] of schemes) {
    await page.setViewportSize(view)
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    expect(await seriousFindings(page), `${view.width} px, ${colorScheme}`).toEqual([])
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' })
  await page.setViewportSize(VIEWS[0])
}
