import { language } from '../language.ts';
import { zhProblems } from '../words/zh-problems.ts';
import { translateDetail, zhInvariants } from '../words/zh-server.ts';

/** The server sends English. Known texts are shown in the reader's language, others are marked as English. */
function Text({ english, known }: { english: string; known: string | undefined }) {
  if (language.value === 'en') return <span>{english}</span>;
  return known === undefined ? <span lang="en">{english}</span> : <span>{known}</span>;
}

const problemOf = (code: string) => (Object.hasOwn(zhProblems, code) ? zhProblems[code] : undefined);

/** What happened, of an error's code. A replay's detail begins with the code. */
export function What({
  detail = '',
  code = /^[A-Z_]+(?=: )/.exec(detail)?.[0] ?? '',
}: {
  detail?: string;
  code?: string | undefined;
}) {
  return <Text english={detail === '' ? code : detail} known={problemOf(code)?.[0]} />;
}

export function Advice({ code, advice }: { code: string; advice: string }) {
  return <Text english={advice} known={problemOf(code)?.[1]} />;
}

export function Invariant({ name, invariant }: { name: string; invariant: string }) {
  return (
    <Text english={invariant} known={Object.hasOwn(zhInvariants, name) ? zhInvariants[name] : undefined} />
  );
}

/** A step of a timeline, a reason, who it was. */
export function Detail({ text }: { text: string }) {
  return <Text english={text} known={translateDetail(text)} />;
}
