import { useState } from 'preact/hooks';
import { say } from '../language.ts';
import { Id } from './id.tsx';

/** An id, whole, and a button that copies it. Without a secure context a browser gives no clipboard, and the id can be selected. */
export function Copy({ text, id }: { text: string; id?: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(setCopied, 1_500, false);
  };
  return (
    <span class="copy">
      <Id text={text} id={id} />
      {navigator.clipboard && (
        <button type="button" class="small" aria-label={`${say('action.copy')}, ${text}`} onClick={copy}>
          {say(isCopied ? 'action.copied' : 'action.copy')}
        </button>
      )}
    </span>
  );
}
