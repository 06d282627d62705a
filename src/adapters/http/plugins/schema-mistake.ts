import type { FastifySchemaValidationError } from 'fastify/types/schema.js';

/** An error of ajv with `verbose`: the schema that was violated, and the value that violated it. */
interface SchemaMistake extends FastifySchemaValidationError {
  parentSchema?: {
    description?: string;
    examples?: unknown[];
    enum?: unknown[];
    writeOnly?: boolean;
  } & Record<string, unknown>;
  data?: unknown;
}

/** The detail of a problem, for people who know the field by its name and not the schema. */
export function describeMistakes(mistakes: FastifySchemaValidationError[], part: string): Error {
  const [mistake] = mistakes as SchemaMistake[];
  return new Error(mistake ? describe(mistake, part) : `the ${part} is not valid`);
}

function describe(mistake: SchemaMistake, part: string): string {
  const { keyword, instancePath, params } = mistake;
  const path = instancePath.split('/').slice(1);
  if (keyword === 'required') return `${nameOf([...path, params.missingProperty])} is missing`;
  if (keyword === 'additionalProperties') {
    return `${nameOf([...path, params.additionalProperty])} is not a known field`;
  }
  const name = path.length === 0 ? `the ${part}` : nameOf(path);
  const expected = describeExpected(mistake);
  return expected === undefined
    ? `${name} ${mistake.message ?? 'is not understood'}`
    : `${name} must be ${expected}${describeValue(mistake)}`;
}

function nameOf(path: readonly unknown[]): string {
  return shorten(path.join('.'));
}

/** undefined when ajv's own message is used. */
function describeExpected({ keyword, params, parentSchema = {} }: SchemaMistake): string | undefined {
  switch (keyword) {
    case 'pattern':
    case 'format':
      return parentSchema.description;
    case 'enum':
      return parentSchema.enum?.join(', ').replace(/, ([^,]*)$/, ' or $1');
    case 'type':
      return describeType(String(params.type), parentSchema.examples);
    case 'minLength':
    case 'maxLength':
      return describeRange(parentSchema.minLength, parentSchema.maxLength, ' characters');
    case 'minItems':
    case 'maxItems':
      return describeRange(parentSchema.minItems, parentSchema.maxItems, ' items');
    case 'exclusiveMinimum':
    case 'minimum':
    case 'maximum':
      return parentSchema.exclusiveMinimum === undefined
        ? describeRange(parentSchema.minimum, parentSchema.maximum, '')
        : `above ${parentSchema.exclusiveMinimum}, at most ${parentSchema.maximum}`;
    default:
      return undefined;
  }
}

const types: Record<string, string> = {
  string: 'text',
  integer: 'an integer',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
};

function describeType(type: string, examples: unknown[] = []): string {
  const named = types[type] ?? type;
  return type === 'string' && examples.length > 0 ? `${named} such as ${JSON.stringify(examples[0])}` : named;
}

function describeRange(least: unknown, most: unknown, unit: string): string {
  if (most === undefined) return `at least ${least}${unit}`;
  return least === undefined ? `at most ${most}${unit}` : `${least} to ${most}${unit}`;
}

/** The value that was sent, unless it is a secret, an object or an array. */
function describeValue({ data, parentSchema }: SchemaMistake): string {
  if (parentSchema?.writeOnly || data === undefined || (typeof data === 'object' && data !== null)) return '';
  const isPlain = typeof data !== 'string' || /^[^\s\p{C}]+$/u.test(data);
  return `, not ${isPlain ? shorten(String(data)) : JSON.stringify(shorten(String(data)))}`;
}

const mostShown = 40;

function shorten(text: string): string {
  const characters = [...text.slice(0, 2 * mostShown)];
  return characters.length > mostShown ? `${characters.slice(0, mostShown).join('')}…` : text;
}
