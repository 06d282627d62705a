import { readdirSync } from 'node:fs';
import { AjvCompiler } from '@fastify/ajv-compiler';
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';
import Fastify from 'fastify';
import { Type } from 'typebox';
import { describe, expect, onTestFinished, test } from 'vitest';
import { compileSchemasLazily } from '../../src/adapters/http/plugins/lazy-schemas.ts';

const folder = new URL('../../src/api/', import.meta.url);
const modules = await Promise.all(
  readdirSync(folder).map(
    (file) => import(new URL(file, folder).pathname) as Promise<Record<string, unknown>>,
  ),
);
const shapes = modules.flatMap((module) =>
  Object.entries(module).filter(([, value]) => Type.IsSchema(value) && '~kind' in value),
);

describe('schemas that are compiled at the first request', () => {
  test.each(shapes)('%s can be compiled as a body and as an answer', (_, schema) => {
    const route = { method: 'POST', url: '/', schema } as never;
    const options = { customOptions: { strict: false } } as never;
    expect(typeof AjvCompiler()({}, options)({ ...(route as object), httpPart: 'body' } as never)).toBe(
      'function',
    );
    expect(typeof SerializerSelector()({}, {})({ ...(route as object), httpStatus: '200' } as never)).toBe(
      'function',
    );
  });

  async function open(schema: object) {
    const http = Fastify({ schemaController: compileSchemasLazily() });
    onTestFinished(() => http.close());
    const echo = async (request: { body: unknown }) => request.body;
    http.post('/echo', { schema: { body: schema, response: { 200: schema } } }, echo);
    await http.ready();
    return (payload: object) => http.inject({ method: 'POST', url: '/echo', payload });
  }

  test('each request is checked, and each answer holds what its schema names', async () => {
    const properties = { id: { type: 'string' } };
    const post = await open({ type: 'object', required: ['id'], properties });
    for (const id of ['a', 'b']) {
      expect(await post({ id, more: 1 }).then((answer) => answer.json())).toEqual({ id });
      const wrong = await post({ more: 1 });
      expect(wrong.statusCode).toBe(400);
      expect(wrong.json().message).toBe("body must have required property 'id'");
    }
  });

  test('a schema that cannot be compiled fails its own requests only', async () => {
    const post = await open({ type: 'unknown to JSON schema' });
    expect((await post({})).statusCode).toBe(500);
  });
});
