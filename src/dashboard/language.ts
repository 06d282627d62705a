import { signal } from '@preact/signals';
import { en } from './words/en.ts';
import { zh } from './words/zh.ts';

export type Language = 'en' | 'zh';
export type WordKey = keyof typeof en;

const tables: Record<Language, Record<WordKey, string>> = { en, zh };
const storageKey = 'weir.language';
const tags: Record<Language, string> = { en: 'en', zh: 'zh-CN' };

/** What is rendered with a word of it is rendered again when it changes. */
export const language = signal<Language>('en');

/** The one chosen before, else the browser's. */
export function startLanguage(): void {
  const browser = navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
  apply(readChoice() ?? browser);
}

export function chooseLanguage(chosen: Language): void {
  try {
    localStorage.setItem(storageKey, chosen);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
  apply(chosen);
}

/** For Intl: the browser's own variant of the language where it has one, such as en-GB. */
export function locale(): string {
  return (
    navigator.languages.find((tag) => tag.toLowerCase().startsWith(language.value)) ?? tags[language.value]
  );
}

/** The word in the current language, `{name}` replaced. */
export function say(key: WordKey, values: Record<string, string | number> = {}): string {
  return tables[language.value][key].replace(/\{(\w+)\}/g, (whole, name: string) =>
    String(values[name] ?? whole),
  );
}

/** The word for a code of the API, such as a status or a reason; the code itself where it is new to us. */
export function sayCode(prefix: string, code: string): string {
  const key = `${prefix}.${code}`;
  return Object.hasOwn(en, key) ? say(key as WordKey) : code;
}

/** For what is in English whatever the reader's language is. */
export const foreign = (): { lang?: string } => (language.value === 'en' ? {} : { lang: 'en' });

export const tagOf = (of: Language): string => tags[of];

function apply(chosen: Language): void {
  language.value = chosen;
  document.documentElement.lang = tags[chosen];
}

function readChoice(): Language | undefined {
  try {
    const stored = localStorage.getItem(storageKey);
    return stored === 'en' || stored === 'zh' ? stored : undefined;
  } catch {
    return undefined;
  }
}
