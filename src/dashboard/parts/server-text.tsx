import { language } from '../language.ts';
import { zhProblems } from '../words/zh-problems.ts';

/** A code without words in the reader's language shows the server's text, marked as English. */
function Text({ english, known }: { english: string; known: string | undefined }) {
  if (language.value === 'en') return <span>{english}</span>;
  return known === undefined ? <span lang="en">{english}</span> : <span>{known}</span>;
}

const problemOf = (code: string) => (Object.hasOwn(zhProblems, code) ? zhProblems[code] : undefined);

/** What happened, of an error's code. */
export function What({ code, detail = code }: { code: string; detail?: string | undefined }) {
  return <Text english={detail} known={problemOf(code)?.[0]} />;
}

export function Advice({ code, advice }: { code: string; advice: string }) {
  return <Text english={advice} known={problemOf(code)?.[1]} />;
}
