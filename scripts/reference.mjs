// Generates docs/configuration.md (the table between its marks) and docs/cli.md from the built program.
// `--check` writes nothing and fails when one of them differs. Run `npm run build` first.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const open = '<!-- generated -->';
const close = '<!-- /generated -->';

if (!existsSync(`${root}dist/modules/config/settings.js`)) {
  console.error('dist/ is missing: run `npm run build` first.');
  process.exit(1);
}
update('docs/configuration.md', await describeSettings());
update('docs/cli.md', describeCommands());

function update(file, text) {
  const before = readFileSync(root + file, 'utf8');
  const [from, to] = [before.indexOf(open), before.indexOf(close)];
  if (from < 0 || to < from) throw new Error(`${file} has no ${open} … ${close}`);
  const after = `${before.slice(0, from + open.length)}\n\n${text}\n\n${before.slice(to)}`;
  if (after === before) return;
  if (process.argv.includes('--check')) {
    console.error(
      `${file} is not up to date: run \`npm run build\`, then \`npm run generate\`, and commit the result.`,
    );
    process.exitCode = 1;
  } else {
    writeFileSync(root + file, after);
    console.log(`wrote ${file}`);
  }
}

async function describeSettings() {
  const { allSettings } = await import('../dist/modules/config/settings.js');
  const { toVariable } = await import('../dist/modules/config/config-variables.js');
  const groups = new Map();
  for (const leaf of allSettings) {
    const section = leaf.key
      .split('.')
      .slice(0, leaf.key.startsWith('data.') ? 2 : 1)
      .join('.');
    const group = leaf.setting.isAdvanced ? 'Advanced' : section;
    groups.set(group, [...(groups.get(group) ?? []), leaf]);
  }
  const ordered = [...groups].sort(([a], [b]) => Number(a === 'Advanced') - Number(b === 'Advanced'));
  return ordered.map(([group, list]) => `## ${group}\n\n${list.map(describe).join('\n\n')}`).join('\n\n');

  function describe({ key, setting: { default: value, sentence } }) {
    const text = String(value);
    return `\`${key}\` · \`${toVariable(key)}\` · default ${text === '' ? 'none' : `\`${text}\``}<br>\n${sentence}`;
  }
}

function describeCommands() {
  const help = (...names) =>
    execFileSync(process.execPath, [`${root}dist/main.js`, ...names, '--help'], {
      encoding: 'utf8',
    }).trimEnd();
  const listCommands = (text) =>
    [...(/\nCommands:\n([\s\S]*?)(\n\n|$)/.exec(text)?.[1] ?? '').matchAll(/^ {2}([a-z-]+)/gm)]
      .map(([, name]) => name)
      .filter((name) => name !== 'help');
  const sections = [];
  const visit = (names) => {
    const text = help(...names);
    sections.push(`## weir${names.map((name) => ` ${name}`).join('')}\n\n\`\`\`text\n${text}\n\`\`\``);
    for (const name of listCommands(text)) visit([...names, name]);
  };
  visit([]);
  return sections.join('\n\n');
}
