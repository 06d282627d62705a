import type { Command, Option } from 'commander';

/** What can stand after one command, read off commander's tree, so that it cannot lag behind. */
interface Place {
  /** The commands that lead here, such as `instances list`; '' at the beginning. */
  path: string;
  words: { word: string; description: string }[];
  /** After these options comes one of some values; none where anything may come. */
  values: { flags: string[]; choices: string[]; isFile: boolean }[];
}

export const shells = { bash: writeBash, zsh: writeZsh, fish: writeFish };

/** The completion is fixed text: to ask this program at every key would take a fifth of a second. */
export function writeCompletion(program: Command, shell: keyof typeof shells): string {
  return shells[shell](listPlaces(program, []));
}

function listPlaces(command: Command, path: string[]): Place[] {
  const options = command.options.filter(({ hidden }) => !hidden);
  const help = command.createHelp();
  const children = help.visibleCommands(command).filter((child) => child.name() !== 'help');
  const place: Place = {
    path: path.join(' '),
    words: [
      ...children.map((child) => ({ word: child.name(), description: child.description() })),
      ...options.map((option) => ({ word: option.long ?? option.flags, description: option.description })),
      { word: '--help', description: 'display help for command' },
    ],
    values: options.filter(({ required, optional }) => required || optional).map(toValues),
  };
  if (path.at(-1) === 'completion') {
    place.words.push(...Object.keys(shells).map((word) => ({ word, description: '' })));
  }
  return [place, ...children.flatMap((child) => listPlaces(child, [...path, child.name()]))];
}

function toValues({ short, long, argChoices, flags }: Option): Place['values'][number] {
  return {
    flags: [short, long].filter((flag) => flag !== undefined),
    choices: argChoices ?? [],
    isFile: flags.includes('<file>'),
  };
}

const pathsOf = (places: readonly Place[]) => places.map(({ path }) => path).filter((path) => path !== '');

function writeBash(places: Place[]): string {
  const cases = places.map(({ path, words, values }) => {
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
      ${pathsOf(places).map(quote).join('|')}) at="\${at:+$at }$word" ;;
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

function writeZsh(places: Place[]): string {
  const cases = places.map(({ path, words, values }) => {
    const after = values.map(({ flags, choices, isFile }) => {
      const found = isFile
        ? '_files'
        : choices.length > 0
          ? `compadd -- ${choices.map(quote).join(' ')}`
          : ':';
      return `        (${flags.join('|')}) ${found}; return ;;`;
    });
    // In _describe a colon parts the word from what it means.
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
      (${pathsOf(places).map(quote).join('|')}) at="\${at:+$at }$word" ;;
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

function writeFish(places: Place[]): string {
  const lines = places.flatMap(({ path, words, values }) => {
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
    contains -- "$at $word" ${pathsOf(places)
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
