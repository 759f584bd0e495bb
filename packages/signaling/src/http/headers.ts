/**
 * The page runs only its own scripts and wasm, from this server, and talks to peers by WebSocket and
 * HTTP on whatever address they announce. Pictures that a person picks are shown from `blob:`.
 * Text becomes HTML or code nowhere: the one Trusted Types policy lets through the addresses of the
 * page's own workers and nothing else.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "manifest-src 'self'",
  "connect-src 'self' ws: wss: http: https:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types default',
].join('; ')

const EVERYWHERE = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' }

/** For the page: cross-origin isolated, so that wasm may use threads and precise clocks. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  ...EVERYWHERE,
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
})

/** For what peers on other origins fetch; where the rest of a file starts lets a broken download go on. */
export const SHARED_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  ...EVERYWHERE,
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'content-range',
  'cross-origin-resource-policy': 'cross-origin',
})

/** What a browser is told that asks beforehand whether a page from elsewhere may fetch something. */
export const PREFLIGHT_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  ...SHARED_HEADERS,
  'access-control-allow-methods': 'GET, HEAD',
  'access-control-allow-headers': 'range, if-none-match',
  'access-control-max-age': '86400',
})

/** For health, metrics and errors. */
export const PLAIN_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  ...EVERYWHERE,
  'cross-origin-resource-policy': 'same-origin',
})

/** For content whose address contains its hash. */
export const IMMUTABLE = 'public, max-age=31536000, immutable'
/** May be kept, must be asked about before use. */
export const REVALIDATE = 'no-cache'
/** Is another at the next look: health and metrics. */
export const NEVER_STORED = 'no-store'
