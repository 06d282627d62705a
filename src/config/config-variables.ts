import { editDistance, findNearest } from '../lib/find-nearest.ts';
import type { Mistake } from './config-file.ts';
import { retiredSettings } from './retired.ts';

interface SettingKey {
  key: string;
  setting: { default: unknown };
}

/** Not settings: options of the command line, and variables of tests and benchmarks. */
const otherVariables = /^WEIR_(KEY|URL|FAILPOINTS|SEEDED_BUG|TEST_\w+|BENCH_\w+)$/;
/** Kubernetes sets these in every container when the name of a service begins with `weir`. */
const serviceLinks =
  /^WEIR(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$|^WEIR_PORT(_\d+_\w+)?$/;

/**
 * The settings from the environment, by key: WEIR_DATA_DATABASE_SOURCE is data.database.source. A variable
 * without effect is reported as a mistake: otherwise the operator would not notice that the file or the
 * default applies.
 */
export function readVariables(
  env: NodeJS.ProcessEnv,
  settings: readonly SettingKey[],
  ignoresCase = process.platform === 'win32',
): { values: Map<string, string>; mistakes: Mistake[] } {
  const known = new Map(settings.map((each) => [toVariable(each.key), each]));
  const values = new Map<string, string>();
  const mistakes: Mistake[] = [];
  for (const [written, value] of Object.entries(env)) {
    if (value === undefined) continue;
    const name = ignoresCase ? written.toUpperCase() : written;
    const setting = known.get(name);
    if (setting && !isBlank(value)) values.set(setting.key, value);
    else if (setting || /^WEIR_(KEY|URL)$/.test(name)) {
      if (isBlank(value)) mistakes.push({ key: written, value: '(empty)', expected: aValue });
    } else if (isMeantForWeir(name, known) && !otherVariables.test(name) && !serviceLinks.test(name)) {
      // The value may be a secret under a misspelt name.
      mistakes.push({ key: written, value: '(not shown)', expected: suggest(name, known) });
    }
  }
  return { values, mistakes };
}

/** An empty list too: `WEIR_SERVER_HTTP_WEBHOOKSECRETS=,` would accept unsigned callbacks. */
const isBlank = (value: string) => /^[\s,]*$/.test(value);
const aValue = "a value; unset the variable for the file's value or the default";

export function toVariable(key: string): string {
  return `WEIR_${key.replaceAll('.', '_').toUpperCase()}`;
}

/** Also true when the first word is nearly WEIR and the rest is exactly a known setting. */
function isMeantForWeir(name: string, known: ReadonlyMap<string, unknown>): boolean {
  if (/^weir_/i.test(name)) return true;
  const [, first = '', rest] = /^([^_]+)_(.+)$/.exec(name) ?? [];
  const isNearlyWeir = ['WIER', 'WERI'].includes(first) || editDistance(first, 'WEIR') === 1;
  return isNearlyWeir && known.has(`WEIR_${rest}`);
}

function suggest(name: string, known: ReadonlyMap<string, SettingKey>): string {
  const [retired, sentence] = Object.entries(retiredSettings).find(([key]) => toVariable(key) === name) ?? [];
  if (retired !== undefined && sentence !== undefined) return nameVariables(sentence);
  const list = known.get(name.toUpperCase().replace(/_\d+$/, ''));
  if (Array.isArray(list?.setting.default)) {
    return `a known variable; ${toVariable(list.key)} takes all items, separated by commas`;
  }
  const nearest = findNearest(name, known.keys()) ?? findNearestSpelling(name, known);
  return nearest
    ? `a known variable; did you mean ${nearest}?`
    : 'a known variable (`weir doctor --settings` lists them)';
}

/**
 * Finds MAXCONNECTIONS for MAX_CONNECTIONS, and a name given without its groups, such as WEBHOOK_SECRETS,
 * when only one setting ends with it.
 */
function findNearestSpelling(name: string, known: ReadonlyMap<string, unknown>): string | undefined {
  const squash = (text: string) => text.replaceAll('_', '').toUpperCase();
  const end = squash(name.replace(/^[^_]*_/, ''));
  const bySpelling = new Map([...known.keys()].map((variable) => [squash(variable), variable]));
  const nearest = findNearest(squash(name), bySpelling.keys());
  if (nearest) return bySpelling.get(nearest);
  const endings = [...bySpelling].filter(([spelling]) => spelling.endsWith(end));
  return endings.length === 1 ? endings[0]?.[1] : undefined;
}

/** The sentence of a retired setting, with variables in place of keys. */
function nameVariables(sentence: string): string {
  return sentence.replaceAll(/\b[a-z]+\.[a-zA-Z]+\b/g, toVariable);
}
