import { bare } from './option.ts'

/** Of the commands that read a folder of pictures. */
export const STRICT_OPTION = bare(
  'stop at pictures that cannot be read, all of them named, instead of leaving them out',
)
