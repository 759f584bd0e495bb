import { describe, expect, test } from 'vitest'
import { foreignFile } from './foreign-file.ts'
import { utf8Encode } from './text.ts'

const said = (text: string): string | undefined => foreignFile(utf8Encode(text))

describe('a file that is not what its name says', () => {
  test('is called a Git LFS pointer, with what to do', () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'ab'.repeat(32)}\n`
    expect(said(pointer)).toMatch(/^a Git LFS pointer.*git lfs pull/)
  })

  test.each([
    '<!doctype html><html><title>401</title>',
    '\n  <HTML lang="en">',
    '\ufeff<?xml version="1.0"?><Error/>',
  ])('is called a web page: %s', (page) => {
    expect(said(page)).toMatch(/^a web page/)
  })

  test('is called by its format: zip, pickle, gzip, HDF5, NumPy', () => {
    expect(foreignFile(Uint8Array.of(0x50, 0x4b, 3, 4, 20))).toMatch(/zip archive/)
    expect(foreignFile(Uint8Array.of(0x80, 4, 0x95))).toMatch(/pickle/)
    expect(foreignFile(Uint8Array.of(0x1f, 0x8b, 8))).toMatch(/gzip/)
    expect(foreignFile(Uint8Array.of(0x89, 0x48, 0x44, 0x46))).toMatch(/HDF5/)
    expect(foreignFile(Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59))).toMatch(/NumPy/)
  })

  test('is not named where nothing is known of it', () => {
    expect(said('')).toBeUndefined()
    expect(said('{"a":1}')).toBeUndefined()
    expect(foreignFile(Uint8Array.of(0, 0, 8, 3))).toBeUndefined()
  })
})
