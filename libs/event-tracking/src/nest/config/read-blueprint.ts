import type { InjectionToken, Type } from '@nestjs/common';
import { checkKeys } from '../../core/diagnostics/check-options.js';
import { describeValue } from '../../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import { checkedTypes } from '../../core/event-types/event-type.js';
import { checkedTransactionMode } from '../../core/event-types/transaction-mode.js';
import { isBackend } from '../../core/tree/backend.js';
import { compareCodePoints } from '../../core/event/compare-code-points.js';
import { isClassOf, toStep } from '../../core/tree/processor.js';
import { readDeliveryOptions } from '../../delivery/delivery-options.js';
import { DEFAULT_TRACKER } from '../tokens.js';
import type {
  Blueprint,
  Dependencies,
  LeafEntry,
  NodeEntry,
  ObjectSource,
  TreeEntry,
  TreeRoot,
} from './blueprint.js';
import type { EventTrackingOptions } from './event-tracking-options.js';

/** The keys of {@link EventTrackingOptions}. */
export const OPTION_KEYS: readonly string[] = (
  'enabled queue processors backends transaction trackers context ' +
  'contextLocator worker maxEventSize eventTypes strict shutdownTimeout registerGlobally'
).split(' ');
const EXTRA_KEYS = ['imports', 'isGlobal'];
const NODE_KEYS = ['queue', 'processors', 'backends'];
const TREE_KEYS = [...NODE_KEYS, 'transaction'];
const DEFINITION_KEYS = ['useClass', 'useFactory', 'useExisting', 'useValue'];

/**
 * Validates a configuration.
 *
 * @throws {@link ImproperlyConfigured} with the path of the invalid option, the received value and
 * a hint
 */
export function readBlueprint(options: EventTrackingOptions): Blueprint {
  if (!isObject(options)) {
    throw new ImproperlyConfigured(
      `EventTrackingModule: options must be an object; received ${describeValue(options)}.`,
    );
  }
  checkKeys(options, 'EventTrackingModule', [...OPTION_KEYS, ...EXTRA_KEYS]);
  // forRoot removes these keys first, so only the options that a factory returns can have them.
  const misplaced = EXTRA_KEYS.find((key) => key in options);
  if (misplaced !== undefined) {
    throw new ImproperlyConfigured(
      `EventTrackingModule.forRootAsync: ${misplaced} must be passed next to useFactory, not ` +
        `returned by the factory. Nest needs it before the factory runs.`,
    );
  }
  checkScalars(options);
  const locator = options.contextLocator;
  return {
    options,
    trackers: readTrackers(options),
    contextLocator:
      locator === undefined ? undefined : readSource(locator, 'contextLocator', ['get', 'run']),
  };
}

function readTrackers(options: EventTrackingOptions): Map<string, TreeRoot> {
  const roots = new Map<string, TreeRoot>();
  roots.set(DEFAULT_TRACKER, readTree(options, ''));
  for (const [name, tree] of Object.entries(checkedTrackers(options.trackers ?? {}))) {
    const where = `trackers.${name}`;
    if (name === DEFAULT_TRACKER) {
      throw new ImproperlyConfigured(
        `${where}: the name '${DEFAULT_TRACKER}' is reserved for the default tracker. ` +
          `Configure it with backends and processors next to trackers, not inside it.`,
      );
    }
    if (typeof tree !== 'object' || tree === null) {
      throw new ImproperlyConfigured(
        `${where} must be an object such as { backends: { … } }; received ${describeValue(tree)}.`,
      );
    }
    checkKeys(tree, where, TREE_KEYS);
    roots.set(name, readTree(tree, `${where}.`));
  }
  return roots;
}

function readTree(
  tree: Parameters<typeof readNode>[0] & { transaction?: unknown },
  where: string,
): TreeRoot {
  const transaction = checkedTransactionMode(tree.transaction, where);
  return { ...readNode(tree, where), transaction };
}

function readNode(
  node: { backends?: unknown; processors?: unknown; queue?: unknown },
  where: string,
  outerQueue?: ObjectSource,
): NodeEntry {
  const { processors = [], backends = {} } = node;
  if (!Array.isArray(processors)) {
    throw new ImproperlyConfigured(
      `${where}processors must be an array; received ${describeValue(processors)}.`,
    );
  }
  const queue =
    node.queue === undefined ? undefined : readSource(node.queue, `${where}queue`, ['open']);
  return {
    kind: 'node',
    where,
    queue,
    processors: processors.map((each, index) =>
      readProcessor(each, `${where}processors[${index}]`),
    ),
    children: readBackends(backends, where, queue ?? outerQueue),
  };
}

function readBackends(
  backends: unknown,
  where: string,
  nearestQueue: ObjectSource | undefined,
): ReadonlyMap<string, TreeEntry> {
  if (typeof backends !== 'object' || backends === null || Array.isArray(backends)) {
    throw new ImproperlyConfigured(
      `${where}backends must be an object or a Map of backends by name; ` +
        `received ${describeValue(backends)}.`,
    );
  }
  const named: [string, unknown][] =
    backends instanceof Map ? [...backends] : Object.entries(backends);
  const children = new Map<string, TreeEntry>();
  for (const [name, backend] of named.sort(([a], [b]) => compareCodePoints(String(a), String(b)))) {
    const path = `${where}backends.${String(name)}`;
    if (typeof name !== 'string' || name === '' || name.includes('.')) {
      throw new ImproperlyConfigured(
        `${path}: a backend's name must be a non-empty string without dots, because dots ` +
          `separate the names in a path; received ${describeValue(name)}. ` +
          `Rename it, for example to '${String(name).replaceAll('.', '_')}'.`,
      );
    }
    children.set(name, readBackend(backend, path, nearestQueue));
  }
  return children;
}

function readBackend(
  backend: unknown,
  where: string,
  nearestQueue: ObjectSource | undefined,
): TreeEntry {
  if (isObject(backend) && !isBackend(backend) && 'backends' in backend) {
    checkKeys(backend, where, NODE_KEYS);
    return readNode(backend, `${where}.`, nearestQueue);
  }
  const leaf = readLeaf(backend, where);
  if (nearestQueue !== undefined && leaf.delivery === false) {
    throw new ImproperlyConfigured(
      `${where}.delivery must not be false behind a queue: each backend there has its own ` +
        `delivery, so that a failed one is retried without the others. Remove it; false is for ` +
        `backends that emit calls directly.`,
    );
  }
  return { ...leaf, nearestQueue };
}

function readLeaf(backend: unknown, where: string): LeafEntry {
  const leaf = { kind: 'leaf', where, delivery: undefined, nearestQueue: undefined } as const;
  if (isBackend(backend)) return { ...leaf, backend: { kind: 'value', where, value: backend } };
  if (!isDefinition(backend)) return { ...leaf, backend: readSource(backend, where, ['send']) };
  const { delivery, ...definition } = backend;
  return {
    ...leaf,
    backend: readDefinition(definition, where),
    delivery: readDelivery(delivery, `${where}.delivery`),
  };
}

function readDelivery(delivery: unknown, where: string): LeafEntry['delivery'] {
  if (delivery === undefined || delivery === false) return delivery;
  if (!isObject(delivery)) {
    throw new ImproperlyConfigured(
      `${where} must be false or an object such as { batchSize: 100 }; ` +
        `received ${describeValue(delivery)}.`,
    );
  }
  const { deadLetter, ...options } = delivery;
  readDeliveryOptions(options, where);
  return {
    options,
    deadLetter: deadLetter === undefined ? undefined : readLeaf(deadLetter, `${where}.deadLetter`),
  };
}

function readProcessor(processor: unknown, where: string): ObjectSource {
  if (isClassOf(processor, ['process', 'filter']))
    return { kind: 'class', where, type: processor as Type };
  if (isDefinition(processor)) return readDefinition(processor, where);
  toStep(processor, where);
  return { kind: 'value', where, value: processor };
}

/** Reads an instance, a class or a definition whose result must have the given methods. */
function readSource(value: unknown, where: string, methods: readonly string[]): ObjectSource {
  if (isClassOf(value, methods)) return { kind: 'class', where, type: value as Type };
  if (isDefinition(value)) return readDefinition(value, where);
  if (isObject(value) && methods.every((method) => typeof value[method] === 'function')) {
    return { kind: 'value', where, value };
  }
  throw new ImproperlyConfigured(describeInvalidSource(value, where, methods));
}

function readDefinition(definition: Record<string, unknown>, where: string): ObjectSource {
  checkKeys(definition, where, [...DEFINITION_KEYS, 'inject']);
  const given = DEFINITION_KEYS.filter((key) => key in definition);
  if (given.length > 1) {
    throw new ImproperlyConfigured(
      `${where} must have exactly one of ${DEFINITION_KEYS.join(', ')}; ` +
        `received ${given.join(' and ')}. Keep one of them.`,
    );
  }
  const { useClass, useFactory, useExisting, inject = [] } = definition;
  switch (given[0]) {
    case 'useValue':
      return { kind: 'value', where, value: definition['useValue'] };
    case 'useClass':
      checkIsFunction(useClass, `${where}.useClass`, 'a class');
      return { kind: 'class', where, type: useClass as Type };
    case 'useFactory':
      checkIsFunction(useFactory, `${where}.useFactory`, 'a function');
      if (!Array.isArray(inject)) {
        throw new ImproperlyConfigured(
          `${where}.inject must be an array of tokens; received ${describeValue(inject)}.`,
        );
      }
      return {
        kind: 'factory',
        where,
        factory: useFactory as () => unknown,
        inject: inject as Dependencies,
      };
    default:
      if (useExisting === undefined || useExisting === null) {
        throw new ImproperlyConfigured(
          `${where}.useExisting must be a token; received ${describeValue(useExisting)}. ` +
            `If it is a class, look for a circular import or an 'import type'.`,
        );
      }
      return { kind: 'existing', where, token: useExisting as InjectionToken };
  }
}

function describeInvalidSource(value: unknown, where: string, methods: readonly string[]): string {
  const instance = methods.map((method) => `${method}()`).join(' and ');
  const alternative = methods.includes('send')
    ? 'a node { processors, backends }'
    : '{ useFactory, inject }';
  const message =
    `${where} must be an instance with ${instance}, a class, a definition such as { useClass } ` +
    `or ${alternative}; received ${describeValue(value)}.`;
  if (typeof value !== 'function') return message;
  return (
    `${message} Its prototype has no method ${methods[0]}. If it is a class that assigns ` +
    `${methods[0]} in its constructor, write { useClass: ${value.name || 'TheClass'} }; ` +
    `if it is a function that returns the instance, write { useFactory }.`
  );
}

function checkIsFunction(value: unknown, where: string, expected: string): void {
  if (typeof value === 'function') return;
  throw new ImproperlyConfigured(
    `${where} must be ${expected}; received ${describeValue(value)}. ` +
      `If it is an imported class, look for a circular import or an 'import type'.`,
  );
}

function checkedTrackers(trackers: unknown): Record<string, unknown> {
  if (isObject(trackers) && !(trackers instanceof Map)) return trackers;
  throw new ImproperlyConfigured(
    `trackers must be an object of trackers by name; received ${describeValue(trackers)}. ` +
      `Pass, for example, { audit: { backends: { … } } }.`,
  );
}

function checkScalars(options: EventTrackingOptions): void {
  for (const key of ['enabled', 'registerGlobally', 'worker', 'strict'] as const) {
    if (options[key] !== undefined && typeof options[key] !== 'boolean') {
      throw new ImproperlyConfigured(
        `${key} must be true or false; received ${describeValue(options[key])}.`,
      );
    }
  }
  for (const key of ['maxEventSize', 'shutdownTimeout'] as const) {
    const value: unknown = options[key];
    if (value !== undefined && !(typeof value === 'number' && value > 0)) {
      throw new ImproperlyConfigured(
        `${key} must be a number above 0; received ${describeValue(value)}.`,
      );
    }
  }
  checkedTypes(options.eventTypes ?? [], 'eventTypes');
  checkContext(options.context);
}

function checkContext(context: unknown): void {
  if (context === undefined || context === false) return;
  if (!isObject(context)) {
    throw new ImproperlyConfigured(
      `context must be false or an object such as { request, cls, query }; ` +
        `received ${describeValue(context)}.`,
    );
  }
  checkKeys(context, 'context', ['request', 'cls', 'query']);
  const { request, cls, query } = context;
  if (request !== undefined && typeof request !== 'function') {
    throw new ImproperlyConfigured(
      `context.request must be a function (request, defaults) => context; ` +
        `received ${describeValue(request)}.`,
    );
  }
  if (cls !== undefined && !isListOfNames(cls) && !(isObject(cls) && hasNames(cls))) {
    throw new ImproperlyConfigured(
      `context.cls must be an array of keys such as ['tenantId', 'user.id'], or an object that ` +
        `renames them such as { user_id: 'user.id' }; received ${describeValue(cls)}.`,
    );
  }
  if (query !== undefined && !isListOfNames(query)) {
    throw new ImproperlyConfigured(
      `context.query must be an array of query parameters such as ['utm_*', 'page']; ` +
        `received ${describeValue(query)}.`,
    );
  }
}

function isListOfNames(value: unknown): boolean {
  return Array.isArray(value) && value.every(isName);
}

function hasNames(names: Record<string, unknown>): boolean {
  return Object.entries(names).every(([name, value]) => isName(name) && isName(value));
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isDefinition(value: unknown): value is Record<string, unknown> {
  return isObject(value) && DEFINITION_KEYS.some((key) => key in value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
