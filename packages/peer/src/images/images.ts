/**
 * Decoding of picture files alone, without a swarm: by a browser itself, in Node by the package sharp.
 * What comes out is what `preparePicture` and `imageTensor` of `@layerswarm/model` take.
 */
export { decodeImage } from '#images'
export { PeerError } from '../errors.ts'
export type { ImageSource } from './image-source.ts'
