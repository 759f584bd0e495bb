/** The part of the Trusted Types API that is used; TypeScript's DOM library lacks it. */
interface TrustedTypeFactory {
  readonly defaultPolicy?: unknown
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): unknown
}

/** The page's own scripts, below its folder: what the build made, and the service worker. */
const OWN_SCRIPT = /^(assets\/[\w.-]+\.js|sw\.js)$/

/**
 * The page's policy asks for Trusted Types: text becomes HTML or code nowhere. Workers are the one
 * use of a script's address, and only this server's own built files may be one.
 */
export function installTrustedScripts(): void {
  const factory = (window as unknown as { trustedTypes?: TrustedTypeFactory }).trustedTypes
  if (factory === undefined || factory.defaultPolicy) return
  factory.createPolicy('default', {
    createScriptURL(text) {
      const url = new URL(text, location.href)
      const folder = new URL('.', location.href).href
      if (url.href.startsWith(folder) && OWN_SCRIPT.test(url.href.slice(folder.length))) return text
      throw new TypeError(`${url.pathname.slice(0, 80)} is not a script of this page`)
    },
  })
}
