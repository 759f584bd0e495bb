import { describe, expect, test } from 'vitest'
import { type KeyPlaces, takeKey } from './invitation.ts'

const SERVER = new URL('https://swarm.example/')

/** A tab, its address, and what it keeps. */
function tab(href: string, kept = new Map<string, string>()) {
  const location = { href }
  const places: KeyPlaces = {
    location,
    history: {
      state: null,
      replaceState: (_, __, to) => void Object.assign(location, { href: to }),
    },
    sessionStorage: {
      getItem: (name) => kept.get(name) ?? null,
      setItem: (name, value) => void kept.set(name, value),
    },
  }
  return { places, location, kept }
}

describe('an invitation to a private swarm', () => {
  test('leaves the address, and is there again after a reload', () => {
    const { places, location, kept } = tab('https://swarm.example/?engine=ort-wasm#key=secret')
    expect(takeKey(places, SERVER)).toBe('secret')
    expect(location.href).toBe('https://swarm.example/?engine=ort-wasm')
    expect(takeKey(tab(location.href, kept).places, SERVER)).toBe('secret')
  })

  test('is for one server, and the newest counts', () => {
    const { places, kept } = tab('https://swarm.example/#key=first')
    takeKey(places, SERVER)
    expect(
      takeKey(tab('https://swarm.example/', kept).places, new URL('https://other.example/')),
    ).toBeUndefined()
    expect(takeKey(tab('https://swarm.example/#key=second', kept).places, SERVER)).toBe('second')
    expect(takeKey(tab('https://swarm.example/', kept).places, SERVER)).toBe('second')
  })

  test('is none in an address with another fragment, which stays', () => {
    const { places, location } = tab('https://swarm.example/#about')
    expect(takeKey(places, SERVER)).toBeUndefined()
    expect(location.href).toBe('https://swarm.example/#about')
  })

  test('works where a browser keeps nothing', () => {
    const { places } = tab('https://swarm.example/#key=secret')
    const forbidden = () => {
      throw new Error('storage is forbidden')
    }
    const blocked = { ...places, sessionStorage: { getItem: forbidden, setItem: forbidden } }
    expect(takeKey(blocked, SERVER)).toBe('secret')
    expect(takeKey(blocked, SERVER)).toBeUndefined()
  })
})
