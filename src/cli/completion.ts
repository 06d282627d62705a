import type { Command, Option } from 'commander';

/** What can follow one command, derived from commander's tree, so that it is always current. */
interface CompletionPoint {
  /** The commands up to this point, such as `instances list`; '' at the beginning. */
  path: string;
  words: { word: string; description: string }[];
  /** Options that take one of several values; none for options that take any value. */
  values: { flags: string[]; choices: string[]; isFile: boolean }[];
}

export const shells = { bash: writeBash, zsh: writeZsh, fish: writeFish };

/** The completion is fixed text: running this program at every key press would take a fifth of a second. */
export function writeCompletion(program: Command, shell: keyof typeof shells): string {
  return shells[shell](listPoints(program, []));
}

function listPoints(command: Command, path: string[]): CompletionPoint[] {
  const options = command.options.filter(({ hidden }) => !hidden);
  const help = command.createHelp();
  const children = help.visibleCommands(command).filter((child) => child.name() !== 'help');
  const point: CompletionPoint = {
    path: path.join(' '),
    words: [
      ...children.map((child) => ({ word: child.name(), description: child.description() })),
      ...options.map((option) => ({ word: option.long ?? option.flags, description: option.description })),
      { word: '--help', description: 'display help for command' },
    ],
    values: options.filter(({ required, optional }) => required || optional).map(toValues),
  };
  if (path.at(-1) === 'completion') {
    point.words.push(...Object.keys(shells).map((word) => ({ word, description: '' })));
  }
  return [point, ...children.flatMap((child) => listPoints(child, [...path, child.name()]))];
}

function toValues({ short, long, argChoices, flags }: Option): CompletionPoint['values'][number] {
  return {
    flags: [short, long].filter((flag) => flag !== undefined),
    choices: argChoices ?? [],
    isFile: flags.includes('<file>'),
  };
}

const pathsOf = (points: readonly CompletionPoint[]) =>
  points.map(({ path }) => path).filter((path) => path !== '');

function writeBash(points: CompletionPoint[]): string {
  const cases = points.map(({ path, words, values }) => {
    const after = values.map(({ flags, choices, isFile }) => {
      const found = isFile ? '-f' : `-W ${quote(choices.join(' '))}`;
      return `        ${flags.join('|')}) COMPREPLY=($(compgen ${found} -- "$current")); return ;;`;
    });
    return `    ${quote(path)})
      case "$previous" in
${after.join('\n')}
      esac
      words=${quote(words.map(({ word }) => word).join(' '))} ;;`;
  });
  return `# bash completion of weir
_weir() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" at='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${at:+$at }$word" in
      ${pathsOf(points).map(quote).join('|')}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _weir weir
`;
}

function writeZsh(points: CompletionPoint[]): string {
  const cases = points.map(({ path, words, values }) => {
    const after = values.map(({ flags, choices, isFile }) => {
      const found = isFile
        ? '_files'
        : choices.length > 0
          ? `compadd -- ${choices.map(quote).join(' ')}`
          : ':';
      return `        (${flags.join('|')}) ${found}; return ;;`;
    });
    // In _describe a colon separates the word from its description.
    const found = words.map(({ word, description }) =>
      quote(`${word}:${description.replaceAll('\\', '\\\\').replaceAll(':', '\\:')}`),
    );
    return `    (${quote(path)})
      case "$before" in
${after.join('\n')}
      esac
      found=(${found.join(' ')}) ;;`;
  });
  return `#compdef weir
# zsh completion of weir
_weir() {
  local at='' word before="\${words[CURRENT-1]}"
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${at:+$at }$word" in
      (${pathsOf(points).map(quote).join('|')}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  _describe weir found
}
if [ "$funcstack[1]" = _weir ]; then _weir "$@"; else compdef _weir weir; fi
`;
}

function writeFish(points: CompletionPoint[]): string {
  const lines = points.flatMap(({ path, words, values }) => {
    const begin = `complete -c weir -n ${quote(`__weir_is "${path}"`)}`;
    return words.map(({ word, description }) => {
      const about = description === '' ? '' : ` -d ${quoteForFish(description)}`;
      if (!word.startsWith('--')) return `${begin} -f -a ${word}${about}`;
      const value = values.find(({ flags }) => flags.includes(word));
      const choices = value && value.choices.length > 0 ? ` -a ${quote(value.choices.join(' '))}` : '';
      const argument = value ? (value.isFile ? ' -r -F' : ` -x${choices}`) : ' -f';
      return `${begin} -l ${word.slice(2)}${argument}${about}`;
    });
  });
  return `# fish completion of weir
function __weir_is
  set -l at
  for word in (commandline -opc)[2..-1]
    contains -- "$at $word" ${pathsOf(points)
      .map((path) => quote(path.includes(' ') ? path : ` ${path}`))
      .join(' ')}; and set at $at $word
  end
  test "$at" = "$argv[1]"
end
${lines.join('\n')}
`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function quoteForFish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
