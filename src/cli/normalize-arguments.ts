import type { Command } from 'commander';

/** Converts the accepted spellings into the one that commander understands. */
export function normalizeArguments(program: Command, given: readonly string[]): readonly string[] {
  const args = given.map(fromGoStyle);
  const [first = '', ...rest] = args;
  if (first === '-v') return ['--version'];
  if (first === 'help') return askForHelp(program, rest, ['--help']);
  const isAboutWeir = ['-h', '--help', '-V', '--version'].includes(first);
  // Inserts `start` when no command is named: commander's own default would take a mistyped command as an
  // argument of `start`.
  if (!isAboutWeir && !/^[^-]/.test(first)) return ['start', ...args];
  return args.some((argument) => argument === '--help' || argument === '-h')
    ? askForHelp(program, args, [])
    : args;
}

/**
 * The seed uses `-conf FILE`, the style of Go's flag package; commander reads a single dash as a group of
 * short options.
 */
function fromGoStyle(argument: string): string {
  return argument.replace(/^-conf(?==|$)/, '--config');
}

/** Commander supports one level of `help`, and shows the group's help for an unknown command. */
function askForHelp(program: Command, words: readonly string[], more: readonly string[]): readonly string[] {
  let command = program;
  const path: string[] = [];
  for (const word of words) {
    if (word.startsWith('-') || command.commands.length === 0) break;
    path.push(word);
    const child = command.commands.find((candidate) => candidate.name() === word);
    if (!child) return path;
    command = child;
  }
  return more.length > 0 ? [...path, ...more] : words;
}
