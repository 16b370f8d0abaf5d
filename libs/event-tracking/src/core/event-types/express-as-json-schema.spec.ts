import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import { Tracker } from '../tracker/tracker.js';
import { defineContext, defineEvent } from './event-type.js';
import { expressAsJsonSchema } from './express-as-json-schema.js';
import type { StandardSchema } from './standard-schema.js';

const DATE = { type: 'string', format: 'date-time' };

describe('A schema with parts that JSON Schema lacks', () => {
  it.each<[string, StandardSchema]>([
    ['Zod', z.object({ id: z.string(), at: z.date(), total: z.bigint() })],
    ['ArkType', type({ id: 'string', at: 'Date', total: 'bigint' })],
    [
      'Valibot',
      toStandardJsonSchema(v.object({ id: v.string(), at: v.date(), total: v.bigint() })),
    ],
  ])('of %s is expressed as the JSON of delivered events', (_, schema) => {
    const { jsonSchema, unexpressed } = expressAsJsonSchema(schema);
    expect(jsonSchema).toMatchObject({
      properties: { id: { type: 'string' }, at: DATE, total: { type: 'string' } },
    });
    expect(unexpressed).toEqual([]);
  });

  it.each<[string, StandardSchema]>([
    ['Zod', z.object({ id: z.string(), mark: z.symbol(), in: z.object({ fn: z.custom() }) })],
    [
      'Valibot',
      toStandardJsonSchema(
        v.object({ id: v.string(), mark: v.symbol(), in: v.object({ fn: v.function() }) }),
      ),
    ],
  ])('of %s is expressed without them, and names them', (_, schema) => {
    const { jsonSchema, unexpressed } = expressAsJsonSchema(schema);
    expect(jsonSchema).toMatchObject({ properties: { id: { type: 'string' }, mark: {} } });
    expect(JSON.stringify(jsonSchema)).not.toContain('unexpressed');
    expect(unexpressed.toSorted()).toEqual(['in.fn', 'mark']);
  });

  it('keeps properties that have the names of keywords', () => {
    const schema = z.object({ properties: z.string(), items: z.symbol(), const: z.date() });
    const { jsonSchema, unexpressed } = expressAsJsonSchema(schema);
    expect(jsonSchema).toMatchObject({
      properties: { properties: { type: 'string' }, items: {}, const: DATE },
    });
    expect(unexpressed).toEqual(['items']);
  });
});

describe('The schema of a type', () => {
  it('allows the data that is delivered, which is not what a validator makes of it', () => {
    const schema = z.object({
      text: z.string().transform((text) => text.length),
      count: z.coerce.number().int(),
      name: z.preprocess(String, z.string()),
      mode: z.enum(['a', 'b']).catch('a'),
      plan: z.string().default('free'),
    });
    expect(expressAsJsonSchema(schema).jsonSchema).toMatchObject({
      properties: { text: { type: 'string' }, count: {}, name: {}, plan: { type: 'string' } },
      required: ['text', 'count', 'name'],
    });
    const { properties } = expressAsJsonSchema(schema).jsonSchema as {
      properties: Record<string, object>;
    };
    expect(properties['count']).toEqual({});
    expect(properties['name']).toEqual({});
    expect(properties['mode']).not.toHaveProperty('enum');
  });
});

describe('A tracker', () => {
  function warningsOf(...types: ReturnType<typeof defineEvent>[]): string[] {
    const lines: string[] = [];
    const log = (line: string): void => void lines.push(line);
    const tracker = new Tracker({ logger: { warn: log, error: log } });
    for (const each of types) {
      tracker.emit(each);
      tracker.register(each);
    }
    return lines.filter((line) => line.includes('JSON Schema'));
  }
  const options = { description: 'A payment arrived.' };

  it('names the parts of a schema that are not documented, once', () => {
    const paid = defineEvent('order.paid', {
      ...options,
      schema: z.object({ id: z.string().describe('The order.'), mark: z.symbol() }),
    });
    expect(warningsOf(paid)).toEqual([
      "The schema of the event type 'order.paid' contains parts that JSON Schema cannot express, so their types are not documented: 'mark'. Describe them in fields, with a type.",
    ]);
    expect(paid.fields).toMatchObject({ id: { description: 'The order.' } });
  });

  it('accepts fields with a type in their place', () => {
    const paid = defineEvent('order.paid', {
      ...options,
      schema: z.object({ mark: z.symbol() }),
      fields: { mark: { description: 'The mark.', type: 'string' } },
    });
    expect(warningsOf(paid)).toEqual([]);
  });

  it('names a schema that provides no JSON Schema at all, beside one that does', () => {
    const old = defineEvent('order.old', { ...options, schema: z3.object({ id: z3.string() }) });
    const recent = defineEvent('order.new', { ...options, schema: z.object({ id: z.string() }) });
    expect(warningsOf(old, recent)).toEqual([
      expect.stringMatching(/^The schema of the event type 'order\.old' provides no JSON Schema/),
    ]);
    const described = defineEvent('order.described', {
      ...options,
      schema: z3.object({ id: z3.string() }),
      fields: { id: 'The order.' },
    });
    expect(warningsOf(described)).toEqual([]);
  });

  it('warns of context types, too', () => {
    const lines: string[] = [];
    const log = (line: string): void => void lines.push(line);
    const tracker = new Tracker({ logger: { warn: log, error: log } });
    const context = defineContext('order', { ...options, schema: z.object({ mark: z.symbol() }) });
    tracker.context(context, { mark: Symbol('x') }, () => tracker.emit('a'));
    expect(lines).toContainEqual(expect.stringMatching(/schema of the context type 'order'/));
  });
});
