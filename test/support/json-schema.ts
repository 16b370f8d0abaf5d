import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

/** Validates a value against a JSON Schema 2020-12; returns the errors. */
export function schemaErrorsOf(schema: object, value: unknown): string[] {
  const ajv = addFormats.default(
    new Ajv2020({ strict: true, allErrors: true, strictTypes: false }),
  );
  const validate = ajv.compile(schema);
  validate(value);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
