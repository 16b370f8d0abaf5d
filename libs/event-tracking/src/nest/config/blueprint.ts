import type { FactoryProvider, InjectionToken, Type } from '@nestjs/common';
import type { TransactionMode } from '../../core/event-types/transaction-mode.js';
import type { DeliveryOptions } from '../../delivery/delivery-options.js';
import type { EventTrackingOptions } from './event-tracking-options.js';

/** The validated configuration of an application, before any object of it is created. */
export interface Blueprint {
  options: EventTrackingOptions;
  trackers: ReadonlyMap<string, TreeRoot>;
  contextLocator: ObjectSource | undefined;
}

/** A configured backend: a destination, or a node with backends of its own. */
export type TreeEntry = LeafEntry | NodeEntry;

export interface NodeEntry {
  kind: 'node';
  /** The node's path in the configuration, for messages. */
  where: string;
  /** Buffers events for the children; without one, `emit` calls them directly. */
  queue: ObjectSource | undefined;
  processors: readonly ObjectSource[];
  children: ReadonlyMap<string, TreeEntry>;
}

export interface TreeRoot extends NodeEntry {
  transaction: TransactionMode | undefined;
}

/** A configured destination. */
export interface LeafEntry {
  kind: 'leaf';
  /** The destination's path in the configuration, for messages. */
  where: string;
  backend: ObjectSource;
  /** False for direct calls; undefined to let the backend's capabilities decide. */
  delivery: LeafDelivery | false | undefined;
  /** The nearest queue between the root and the destination. */
  nearestQueue: ObjectSource | undefined;
}

/** How events are delivered to a destination. */
export interface LeafDelivery {
  options: Omit<DeliveryOptions, 'deadLetter'>;
  deadLetter: LeafEntry | undefined;
}

/** Where an object of the configuration comes from, with its path for messages. */
export type ObjectSource =
  | { kind: 'value'; where: string; value: unknown }
  | { kind: 'class'; where: string; type: Type }
  | {
      kind: 'factory';
      where: string;
      factory: (...args: unknown[]) => unknown;
      inject: Dependencies;
    }
  | { kind: 'existing'; where: string; token: InjectionToken };

/** The arguments of a factory, as injection tokens. */
export type Dependencies = NonNullable<FactoryProvider['inject']>;

/** Lists the paths of a tree's entries, nodes included. */
export function pathsOf(node: NodeEntry, prefix = ''): string[] {
  return [...node.children].flatMap(([name, child]) => {
    const path = `${prefix}${name}`;
    return child.kind === 'node' ? [path, ...pathsOf(child, `${path}.`)] : [path];
  });
}

export function entryAt(root: NodeEntry, path: string): TreeEntry | undefined {
  let entry: TreeEntry | undefined = root;
  for (const name of path.split('.')) {
    entry = entry?.kind === 'node' ? entry.children.get(name) : undefined;
  }
  return entry;
}

export function queuesIn(entry: TreeEntry): ObjectSource[] {
  if (entry.kind !== 'node') return [];
  const below = [...entry.children.values()].flatMap(queuesIn);
  return entry.queue === undefined ? below : [entry.queue, ...below];
}
