import { expect, test } from 'vitest'
import { NEAR_MS } from '../claims/limits.ts'
import type { RequestId } from '../wire/messages.ts'
import { Experience, type Way } from './experience.ts'
import { EXPERIENCE_MAX, EXPERIENCE_MS, ROUNDS_TIMES_USUAL, TOUR_TIMES_USUAL } from './limits.ts'

/** What a tour over the internet should take. */
const FAR_MS = 200
const USUAL = { tour: TOUR_TIMES_USUAL, rounds: ROUNDS_TIMES_USUAL }

let count = 0

/** A request that took so many times as long as was expected of it. */
function went(experience: Experience, way: Way, times: number, fromMs = 0, isTimed = true): void {
  const request = `request ${count++}` as RequestId
  experience.begins(request, way, 100, fromMs)
  experience.ends(request, isTimed, fromMs + 100 * times)
}

test('a way that was never gone is as late as usual', () => {
  expect(new Experience().lateness(FAR_MS, 0)).toEqual(USUAL)
})

test('a tour over near ways is as late as rounds were, until one was gone', () => {
  const experience = new Experience()
  for (const times of [0.5, 0.5]) went(experience, 'rounds', times)
  expect(experience.lateness(NEAR_MS, 0)).toEqual({ tour: 0.5, rounds: 0.5 })
  for (const times of [2, 2]) went(experience, 'tour', times)
  expect(experience.lateness(NEAR_MS, 0)).toEqual({ tour: 2, rounds: 0.5 })
})

test('a way is as late as the median of its own requests, whatever one of them took', () => {
  const experience = new Experience()
  for (const times of [1.75, 2.25, 40]) went(experience, 'tour', times)
  went(experience, 'rounds', 0.5)
  const rounds = (ROUNDS_TIMES_USUAL + 0.5) / 2
  expect(experience.lateness(FAR_MS, 4_000)).toEqual({ tour: 2, rounds })
})

test('what was cancelled, what nobody could expect and what never began says nothing', () => {
  const experience = new Experience()
  went(experience, 'tour', 9, 0, false)
  experience.begins('endless' as RequestId, 'tour', Number.POSITIVE_INFINITY, 0)
  experience.ends('endless' as RequestId, true, 900)
  experience.ends('unknown' as RequestId, true, 900)
  expect(experience.lateness(FAR_MS, 1_000)).toEqual(USUAL)
})

test('a request counts once', () => {
  const experience = new Experience()
  const request = 'twice' as RequestId
  experience.begins(request, 'rounds', 100, 0)
  for (let i = 0; i < 3; i++) experience.ends(request, true, 300)
  expect(experience.lateness(FAR_MS, 300).rounds).toBe((ROUNDS_TIMES_USUAL + 3) / 2)
})

test('the newest say what is to be expected, and for a while: then the way is tried again', () => {
  const experience = new Experience()
  for (let i = 0; i < EXPERIENCE_MAX; i++) went(experience, 'tour', 8)
  for (let i = 0; i < EXPERIENCE_MAX; i++) went(experience, 'tour', 2, 1_000)
  expect(experience.lateness(FAR_MS, 1_200).tour).toBe(2)
  expect(experience.lateness(FAR_MS, 1_200 + EXPERIENCE_MS).tour).toBe(TOUR_TIMES_USUAL)
})
