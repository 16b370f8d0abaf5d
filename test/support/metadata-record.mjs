import { createHash } from 'node:crypto';

/**
 * Creates a metadata record as a tracker does for a type; its id is a hash of the content.
 *
 * @param {object} description
 * @returns {import('nestjs-event-tracking/core').MetadataRecord}
 */
export function recordOf({
  time,
  fields = {},
  contextFields,
  at = 'src/tracking/events.ts:8:14',
  ...content
}) {
  const id = idOf(content, fields, contextFields);
  const identified = (described) =>
    Object.entries(described).map(([name, field]) => ({ id: idOf(id, name), name, ...field }));
  return {
    id,
    ...content,
    fields: identified(fields),
    ...(contextFields === undefined ? {} : { context_fields: identified(contextFields) }),
    timestamp: new Date(time),
    stack_trace: [
      `    at defineEvent (file://${process.cwd()}/node_modules/nestjs-event-tracking/dist/core/event-types/event-type.js:9:9)`,
      `    at file://${process.cwd()}/${at}`,
      '    at ModuleJob.run (node:internal/modules/esm/module_job:343:25)',
    ].join('\n'),
  };
}

function idOf(...content) {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16);
}
