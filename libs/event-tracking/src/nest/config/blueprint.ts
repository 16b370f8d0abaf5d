import type { FactoryProvider, InjectionToken, Type } from '@nestjs/common';
import { isBackend } from '../../core/tree/backend.js';
import { checkKeys } from '../../core/diagnostics/check-options.js';
import { describeValue } from '../../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import { checkedTypes } from '../../core/event-types/event-type.js';
import { compareCodePoints } from '../../core/tree/compare-code-points.js';
import { isClassOf, toStep } from '../../core/tree/processor.js';
import { readDeliveryOptions, type DeliveryOptions } from '../../delivery/delivery-options.js';
import type { EventTrackingOptions } from './event-tracking-options.js';
import { DEFAULT_TRACKER } from '../tokens.js';

/** How one thing of the configuration comes into being. */
export type Part =
  | { kind: 'value'; where: string; value: unknown }
  | { kind: 'class'; where: string; type: Type }
  | {
      kind: 'factory';
      where: string;
      factory: (...args: unknown[]) => unknown;
      inject: Dependencies;
    }
  | { kind: 'existing'; where: string; token: InjectionToken };

/** What a factory is given. */
export type Dependencies = NonNullable<FactoryProvider['inject']>;

/** A node of the tree. */
export interface NodePart {
  kind: 'node';
  where: string;
  /** Where events wait for the children; nothing where they are called at once. */
  queue: Part | undefined;
  processors: readonly Part[];
  children: ReadonlyMap<string, BackendPart>;
}

/** A backend of the tree, and how events reach it. */
export interface LeafPart {
  kind: 'leaf';
  where: string;
  backend: Part;
  /** False for directly; undefined for what suits the backend. */
  delivery: DeliveryPart | false | undefined;
  /** The queue that events come to it through, the nearest where there are several. */
  behind: Part | undefined;
}

/** How events reach a backend. */
export interface DeliveryPart {
  options: Omit<DeliveryOptions, 'deadLetter'>;
  deadLetter: LeafPart | undefined;
}

/** What stands at a place of the tree. */
export type BackendPart = LeafPart | NodePart;

/** The checked configuration: what is to be made, with the place of each part for messages. */
export interface Blueprint {
  options: EventTrackingOptions;
  /** The root of each tracker's tree, by the tracker's name. */
  trackers: ReadonlyMap<string, NodePart>;
  contextLocator: Part | undefined;
}

/** What the configuration of an application may hold; `imports` and `isGlobal` stand beside it. */
export const OPTION_KEYS: readonly string[] = (
  'enabled queue processors backends trackers context ' +
  'contextLocator worker maxEventSize eventTypes strict shutdownTimeout registerGlobally'
).split(' ');
const EXTRA_KEYS = ['imports', 'isGlobal'];
const NODE_KEYS = ['queue', 'processors', 'backends'];
const DEFINITION_KEYS = ['useClass', 'useFactory', 'useExisting', 'useValue'];

/**
 * Reads a configuration.
 *
 * @throws {@link ImproperlyConfigured} with the place of the fault, what was received there and how to mend it
 */
export function readBlueprint(options: EventTrackingOptions): Blueprint {
  if (!isObject(options)) {
    throw new ImproperlyConfigured(
      `EventTrackingModule: expected an object of options, received ${describeValue(options)}.`,
    );
  }
  checkKeys(options, 'EventTrackingModule', [...OPTION_KEYS, ...EXTRA_KEYS]);
  // forRoot has taken them out; what still has them is what a factory returned.
  const early = EXTRA_KEYS.find((key) => key in options);
  if (early !== undefined) {
    throw new ImproperlyConfigured(
      `${early} stands beside useFactory in forRootAsync, not in what the factory returns: Nest asks for it before the ` +
        `factory has run.`,
    );
  }
  checkScalars(options);
  const trackers = new Map<string, NodePart>();
  trackers.set(DEFAULT_TRACKER, readNode(options, ''));
  for (const [name, tree] of Object.entries(checkedTrackers(options.trackers ?? {}))) {
    const where = `trackers.${name}`;
    if (name === DEFAULT_TRACKER) {
      throw new ImproperlyConfigured(
        `${where}: the default tracker is configured by backends and processors beside trackers, not inside it.`,
      );
    }
    if (typeof tree !== 'object' || tree === null) {
      throw new ImproperlyConfigured(
        `${where}: expected an object such as { backends: { … } }, received ${describeValue(tree)}.`,
      );
    }
    checkKeys(tree, where, NODE_KEYS);
    trackers.set(name, readNode(tree, `${where}.`));
  }
  const locator = options.contextLocator;
  return {
    options,
    trackers,
    contextLocator:
      locator === undefined ? undefined : readPart(locator, 'contextLocator', ['get', 'run']),
  };
}

/** All paths of a tree, nodes included. */
export function pathsOf(node: NodePart, prefix = ''): string[] {
  return [...node.children].flatMap(([name, child]) => {
    const path = `${prefix}${name}`;
    return child.kind === 'node' ? [path, ...pathsOf(child, `${path}.`)] : [path];
  });
}

/** Tells whether a tree has a queue anywhere. */
export function hasQueue(part: BackendPart): boolean {
  return (
    part.kind === 'node' && (part.queue !== undefined || [...part.children.values()].some(hasQueue))
  );
}

/** Finds what stands at a path of a tree. */
export function partAt(root: NodePart, path: string): BackendPart | undefined {
  let part: BackendPart | undefined = root;
  for (const name of path.split('.')) {
    part = part?.kind === 'node' ? part.children.get(name) : undefined;
  }
  return part;
}

function readNode(
  node: { backends?: unknown; processors?: unknown; queue?: unknown },
  where: string,
  behind?: Part,
): NodePart {
  const { processors = [], backends = {} } = node;
  if (!Array.isArray(processors)) {
    throw new ImproperlyConfigured(
      `${where}processors: expected an array, received ${describeValue(processors)}.`,
    );
  }
  const queue =
    node.queue === undefined ? undefined : readPart(node.queue, `${where}queue`, ['open']);
  return {
    kind: 'node',
    where,
    queue,
    processors: processors.map((each, index) =>
      readProcessor(each, `${where}processors[${index}]`),
    ),
    children: readBackends(backends, where, queue ?? behind),
  };
}

function readBackends(
  backends: unknown,
  where: string,
  behind: Part | undefined,
): ReadonlyMap<string, BackendPart> {
  if (typeof backends !== 'object' || backends === null || Array.isArray(backends)) {
    throw new ImproperlyConfigured(
      `${where}backends: expected an object or a Map of backends by name, received ${describeValue(backends)}.`,
    );
  }
  const entries: [string, unknown][] =
    backends instanceof Map ? [...backends] : Object.entries(backends);
  const parts = new Map<string, BackendPart>();
  for (const [name, backend] of entries.sort(([a], [b]) =>
    compareCodePoints(String(a), String(b)),
  )) {
    const place = `${where}backends.${String(name)}`;
    if (typeof name !== 'string' || name === '' || name.includes('.')) {
      throw new ImproperlyConfigured(
        `${place}: a backend's name is a string without dots (dots separate the names in a path), ` +
          `received ${describeValue(name)}. Rename it, for example to '${String(name).replaceAll('.', '_')}'.`,
      );
    }
    parts.set(name, readBackend(backend, place, behind));
  }
  return parts;
}

function readBackend(backend: unknown, where: string, behind: Part | undefined): BackendPart {
  if (isObject(backend) && !isBackend(backend) && 'backends' in backend) {
    checkKeys(backend, where, NODE_KEYS);
    return readNode(backend, `${where}.`, behind);
  }
  const leaf = readLeaf(backend, where);
  if (behind !== undefined && leaf.delivery === false) {
    throw new ImproperlyConfigured(
      `${where}.delivery: behind a queue every backend is delivered to by itself, so that one which fails is tried ` +
        `again without the others; false is for backends that are called where events are emitted. Leave it out.`,
    );
  }
  return { ...leaf, behind };
}

function readLeaf(backend: unknown, where: string): LeafPart {
  const leaf = { kind: 'leaf', where, delivery: undefined, behind: undefined } as const;
  if (isBackend(backend)) return { ...leaf, backend: { kind: 'value', where, value: backend } };
  if (!isDefinition(backend)) return { ...leaf, backend: readPart(backend, where, ['send']) };
  const { delivery, ...definition } = backend;
  return {
    ...leaf,
    backend: readDefinition(definition, where),
    delivery: readDelivery(delivery, `${where}.delivery`),
  };
}

function readDelivery(delivery: unknown, where: string): LeafPart['delivery'] {
  if (delivery === undefined || delivery === false) return delivery;
  if (!isObject(delivery)) {
    throw new ImproperlyConfigured(
      `${where}: expected false or an object such as { batchSize: 100 }, received ${describeValue(delivery)}.`,
    );
  }
  const { deadLetter, ...options } = delivery;
  readDeliveryOptions(options, where);
  return {
    options,
    deadLetter: deadLetter === undefined ? undefined : readLeaf(deadLetter, `${where}.deadLetter`),
  };
}

function readProcessor(processor: unknown, where: string): Part {
  if (isClassOf(processor, ['process', 'filter']))
    return { kind: 'class', where, type: processor as Type };
  if (isDefinition(processor)) return readDefinition(processor, where);
  toStep(processor, where);
  return { kind: 'value', where, value: processor };
}

/** Reads an instance, a class or a definition of something that has the given methods. */
function readPart(value: unknown, where: string, methods: readonly string[]): Part {
  if (isClassOf(value, methods)) return { kind: 'class', where, type: value as Type };
  if (isDefinition(value)) return readDefinition(value, where);
  if (isObject(value) && methods.every((method) => typeof value[method] === 'function')) {
    return { kind: 'value', where, value };
  }
  throw new ImproperlyConfigured(describeMisfit(value, where, methods));
}

function readDefinition(definition: Record<string, unknown>, where: string): Part {
  checkKeys(definition, where, [...DEFINITION_KEYS, 'inject']);
  const given = DEFINITION_KEYS.filter((key) => key in definition);
  if (given.length > 1) {
    throw new ImproperlyConfigured(
      `${where}: expected one of ${DEFINITION_KEYS.join(', ')}, received ${given.join(' and ')}. Keep one.`,
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
          `${where}.inject: expected an array of tokens, received ${describeValue(inject)}.`,
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
          `${where}.useExisting: expected a token, received ${describeValue(useExisting)}. If it is a class, its ` +
            `file may be imported in a circle, or by 'import type'.`,
        );
      }
      return { kind: 'existing', where, token: useExisting as InjectionToken };
  }
}

function describeMisfit(value: unknown, where: string, methods: readonly string[]): string {
  const wanted = methods.map((method) => `${method}()`).join(' and ');
  const received = `${where}: expected an instance with ${wanted}, a class, a definition such as { useClass } or ${
    methods.includes('send') ? `a node { processors, backends }` : `{ useFactory, inject }`
  }, received ${describeValue(value)}.`;
  if (typeof value !== 'function') return received;
  return (
    `${received} Its prototype has no method ${methods[0]}. If it is a class that assigns ${methods[0]} in its ` +
    `constructor, write { useClass: ${value.name || 'TheClass'} }; if it makes the instance, write { useFactory }.`
  );
}

function checkIsFunction(value: unknown, where: string, wanted: string): void {
  if (typeof value === 'function') return;
  throw new ImproperlyConfigured(
    `${where}: expected ${wanted}, received ${describeValue(value)}. ` +
      `An undefined class is often imported in a circle, or by 'import type'.`,
  );
}

function checkedTrackers(trackers: unknown): Record<string, unknown> {
  if (isObject(trackers) && !(trackers instanceof Map)) return trackers;
  throw new ImproperlyConfigured(
    `trackers: expected an object of trackers by name, received ${describeValue(trackers)}. Pass for example ` +
      `{ audit: { backends: { … } } }.`,
  );
}

function checkScalars(options: EventTrackingOptions): void {
  for (const key of ['enabled', 'registerGlobally', 'worker', 'strict'] as const) {
    if (options[key] !== undefined && typeof options[key] !== 'boolean') {
      throw new ImproperlyConfigured(
        `${key}: expected true or false, received ${describeValue(options[key])}.`,
      );
    }
  }
  for (const key of ['maxEventSize', 'shutdownTimeout'] as const) {
    const value: unknown = options[key];
    if (value !== undefined && !(typeof value === 'number' && value > 0)) {
      throw new ImproperlyConfigured(
        `${key}: expected a number above 0, received ${describeValue(value)}.`,
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
      `context: expected false or an object such as { request, cls }, received ${describeValue(context)}.`,
    );
  }
  checkKeys(context, 'context', ['request', 'cls']);
  const { request, cls } = context;
  if (request !== undefined && typeof request !== 'function') {
    throw new ImproperlyConfigured(
      `context.request: expected a function (request, defaults) => context, received ${describeValue(request)}.`,
    );
  }
  if (
    cls !== undefined &&
    !(Array.isArray(cls) && cls.every((key) => typeof key === 'string' && key !== ''))
  ) {
    throw new ImproperlyConfigured(
      `context.cls: expected an array of keys such as ['tenantId', 'user.id'], received ${describeValue(cls)}.`,
    );
  }
}

function isDefinition(value: unknown): value is Record<string, unknown> {
  return isObject(value) && DEFINITION_KEYS.some((key) => key in value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
