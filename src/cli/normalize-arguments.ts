import type { Command } from 'commander';

/** What people type, in the one way that commander understands. */
export function normalizeArguments(program: Command, given: readonly string[]): readonly string[] {
  const args = given.map(fromGoStyle);
  const [first = '', ...rest] = args;
  if (first === '-v') return ['--version'];
  if (first === 'help') return askForHelp(program, rest, ['--help']);
  const isAboutWeir = ['-h', '--help', '-V', '--version'].includes(first);
  // `start` where no command is named: commander's own default would take a mistyped one for an argument of `start`.
  if (!isAboutWeir && !/^[^-]/.test(first)) return ['start', ...args];
  return args.some((argument) => argument === '--help' || argument === '-h')
    ? askForHelp(program, args, [])
    : args;
}

/** The seed writes `-conf FILE`, as Go's flag package has it; here a single dash would begin a row of short options. */
function fromGoStyle(argument: string): string {
  return argument.replace(/^-conf(?==|$)/, '--config');
}

/** Commander knows one level of `help`, and shows the help of the group for a command that is not there. */
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
