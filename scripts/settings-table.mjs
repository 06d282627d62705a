// Writes the table of settings into both READMEs, between the marks, from what was built of src/config/config.ts.
// `--check` writes nothing and fails when a table differs. Run `npm run build` first.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const open = '<!-- settings -->';
const close = '<!-- /settings -->';
const heads = {
  'README.md': ['Key', 'Environment variable', 'Default', 'Meaning'],
  'README.zh-CN.md': ['键', '环境变量', '默认值', '含义'],
};

if (!existsSync(`${root}dist/modules/config/settings.js`)) {
  console.error('dist/ is missing: run `npm run build` first.');
  process.exit(1);
}
const { settings } = await import('../dist/modules/config/settings.js');
const { toVariable } = await import('../dist/modules/config/config-variables.js');

const rows = Object.values(settings).map((setting) => [
  `\`${setting.key}\``,
  `\`${toVariable(setting.key)}\``,
  showDefault(setting.default),
  setting.sentence.replaceAll('|', '\\|'),
]);
for (const [file, head] of Object.entries(heads)) update(file, formatTable([head, ...rows]));

function update(file, table) {
  const before = readFileSync(root + file, 'utf8');
  const [from, to] = [before.indexOf(open), before.indexOf(close)];
  if (from < 0 || to < from) throw new Error(`${file} has no ${open} … ${close}`);
  const after = `${before.slice(0, from + open.length)}\n\n${table}\n\n${before.slice(to)}`;
  if (after === before) return;
  if (process.argv.includes('--check')) {
    console.error(`${file} does not list the settings that src/config/config.ts has.`);
    console.error('Run `npm run build`, then `node scripts/settings-table.mjs`, and commit the result.');
    process.exitCode = 1;
  } else {
    writeFileSync(root + file, after);
    console.log(`wrote ${file}`);
  }
}

function showDefault(value) {
  const text = String(value);
  return text === '' ? '' : `\`${text}\``;
}

/** Padded as the formatter pads, so that the two never undo each other's work. */
function formatTable(lines) {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => widthOf(line[column]))));
  const format = (cells) => `| ${cells.join(' | ')} |`;
  const pad = (line) => format(line.map((cell, i) => cell + ' '.repeat(widths[i] - widthOf(cell))));
  const [head, ...body] = lines.map(pad);
  return [head, format(widths.map((width) => '-'.repeat(width))), ...body].join('\n');
}

/** In columns of a terminal: Chinese takes two. */
function widthOf(text) {
  return [...text].reduce((sum, character) => sum + (/\p{Script=Han}/u.test(character) ? 2 : 1), 0);
}
