import { AjvCompiler } from '@fastify/ajv-compiler';
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';
import type { FastifyServerOptions } from 'fastify';

type SchemaController = NonNullable<FastifyServerOptions['schemaController']>;

type Validator = ((data: unknown) => unknown) & { errors?: unknown };
/** The part of the types of Ajv's factory that is used here. */
type ValidatorFactory = (schemas: unknown, options: unknown) => (route: unknown) => Validator;

/**
 * Compiles the schemas of a route at its first request instead of all of them at the start, which took a
 * fifth of its time.
 */
export function compileSchemasLazily(): SchemaController {
  const buildValidator = AjvCompiler() as unknown as ValidatorFactory;
  const buildSerializer = SerializerSelector();
  const buildLazyValidator: ValidatorFactory = (schemas, options) => {
    const compile = buildValidator(schemas, options);
    return (route) => {
      let compiled: Validator | undefined;
      const validator: Validator = (data) => {
        compiled ??= compile(route);
        const isValid = compiled(data);
        validator.errors = compiled.errors;
        return isValid;
      };
      return validator;
    };
  };
  return {
    compilersFactory: {
      buildValidator: buildLazyValidator as unknown as ReturnType<typeof AjvCompiler>,
      buildSerializer(schemas, options) {
        const compile = buildSerializer(schemas, options);
        return (route) => {
          let serialize: ((data: unknown) => string) | undefined;
          return (data) => {
            serialize ??= compile(route);
            return serialize(data);
          };
        };
      },
    },
  };
}
