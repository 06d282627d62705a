export interface Block {
  language: string;
  text: string;
}

export interface Step {
  command: string;
  /** The documented output: the fenced block that follows, if this is the only command of its block. */
  shown?: Block;
}

/** The fenced blocks of a text, in order. */
export function readBlocks(text: string): Block[] {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].map(([, language = '', block = '']) => ({
    language,
    text: block,
  }));
}

/** The commands of a shell block, continued lines joined. */
export function readCommands(block: string): string[] {
  return block
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '');
}

/** The part of a document below this heading of the second level. @throws when there is none */
export function readSection(document: string, title: string): string {
  const start = document.indexOf(`\n## ${title}\n`);
  if (start < 0) throw new Error(`the document has no section ${title}`);
  return document.slice(start + 1).split(/\n(?=## )/)[0] ?? '';
}

/**
 * The commands of a section, in order: its shell blocks, then the `npm start` commands inside its sentences.
 */
export function readSteps(section: string): Step[] {
  const blocks = readBlocks(section);
  const typed = blocks.flatMap((block, i) => {
    if (block.language !== 'sh') return [];
    const commands = readCommands(block.text);
    const next = blocks[i + 1];
    const shown = commands.length === 1 && next && next.language !== 'sh' ? next : undefined;
    return commands.map((command): Step => (shown ? { command, shown } : { command }));
  });
  const inSentences = section.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/`(npm start [^`]+)`/g);
  return [...typed, ...[...inSentences].map(([, command = '']) => ({ command }))];
}
