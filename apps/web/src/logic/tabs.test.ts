import { expect, test } from 'vitest'
import { TAB_FORGET_MS } from '../limits.ts'
import { createTabCount, shareOfTab, tabsText } from './tabs.ts'

test('tabs of one browser count each other, and forget those that say nothing', () => {
  const count = createTabCount()
  for (const message of [{ tab: 'a', isIn: true }, { tab: 'b', isIn: true }, 'noise', null, {}])
    count.heard(message, 0)
  expect(count.others(1)).toBe(2)
  count.heard({ tab: 'a', isIn: false }, 2)
  expect(count.others(3)).toBe(1)
  expect(count.others(TAB_FORGET_MS + 1)).toBe(0)
})

test('tabs that are gone without a word are forgotten at once where that is known', () => {
  const count = createTabCount()
  for (const tab of ['a', 'b']) count.heard({ tab, isIn: true }, 0)
  count.keep((tab) => tab === 'b')
  expect(count.others(1)).toBe(1)
})

test('together they give what was chosen for one', () => {
  expect(shareOfTab(0.5, 1)).toBe(0.25)
  expect(shareOfTab(1, 0)).toBe(1)
  expect(tabsText(0)).toBeUndefined()
  expect(tabsText(1)).toContain('2 tabs of this browser')
  expect(tabsText(2)).toContain('1/3')
})
