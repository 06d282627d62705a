/** `scheme://user:password@host` keeps its host only. */
export function withoutCredentials(text: string): string {
  return text.replace(/([a-z]+:\/\/)[^\s/@]+@/gi, '$1');
}
