import type { InjectionToken, Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import {
  entryAt,
  pathsOf,
  type Blueprint,
  type Dependencies,
  type LeafEntry,
  type NodeEntry,
  type ObjectSource,
  type TreeEntry,
} from '../config/blueprint.js';
import { isOptionalDependency } from './resolve-source.js';
import { getBackendToken } from '../tokens.js';

/**
 * Rejects backends that depend on themselves through other providers.
 *
 * @remarks
 * Nest's injector cannot see such a cycle, because this module creates the backends: bootstrap
 * would wait for itself forever. Therefore dependencies are followed before any object is created.
 * @throws {@link ImproperlyConfigured} with the cycle
 */
export function rejectCircularBackends(blueprint: Blueprint, modules: ModulesContainer): void {
  const backends = new Map<InjectionToken, TreeEntry>();
  for (const [tracker, root] of blueprint.trackers) {
    for (const path of pathsOf(root))
      backends.set(getBackendToken(path, tracker), entryAt(root, path)!);
  }
  for (const [token, entry] of backends) {
    const cycle = findCycle(token, entry, backends, modules);
    if (cycle !== undefined) {
      throw new ImproperlyConfigured(
        `${entry.where}: circular dependency: ${cycle.join(' → ')}. ` +
          `Break the cycle: inject Tracker, which does not wait for backends, or call ` +
          `tracker.getBackend(path) when you need the backend.`,
      );
    }
  }
}

function findCycle(
  start: InjectionToken,
  entry: TreeEntry,
  backends: ReadonlyMap<InjectionToken, TreeEntry>,
  modules: ModulesContainer,
): string[] | undefined {
  const seen = new Set<InjectionToken>();
  const follow = (
    dependencies: readonly InjectionToken[],
    trail: string[],
  ): string[] | undefined => {
    for (const token of dependencies) {
      if (token === start) return [...trail, entry.where];
      if (seen.has(token)) continue;
      seen.add(token);
      const backend = backends.get(token);
      const next =
        backend === undefined ? dependenciesOfProvider(token, modules) : dependenciesOf(backend);
      const cycle = follow(next, [...trail, backend?.where ?? nameOf(token)]);
      if (cycle !== undefined) return cycle;
    }
    return undefined;
  };
  return follow(dependenciesOf(entry), [entry.where]);
}

function dependenciesOf(entry: TreeEntry | ObjectSource): readonly InjectionToken[] {
  switch (entry.kind) {
    case 'node':
      return contentsOfNode(entry).flatMap(dependenciesOf);
    case 'leaf':
      return contentsOfLeaf(entry).flatMap(dependenciesOf);
    case 'class':
      return dependenciesOfClass(entry.type);
    case 'factory':
      return tokensOf(entry.inject);
    case 'existing':
      return [entry.token];
    case 'value':
      return [];
  }
}

function contentsOfNode({
  queue,
  processors,
  children,
}: NodeEntry): readonly (TreeEntry | ObjectSource)[] {
  return [...(queue === undefined ? [] : [queue]), ...processors, ...children.values()];
}

function contentsOfLeaf({ backend, delivery }: LeafEntry): readonly (LeafEntry | ObjectSource)[] {
  const deadLetter = delivery === undefined || delivery === false ? undefined : delivery.deadLetter;
  return deadLetter === undefined ? [backend] : [backend, deadLetter];
}

function dependenciesOfProvider(
  token: InjectionToken,
  modules: ModulesContainer,
): readonly InjectionToken[] {
  for (const module of modules.values()) {
    const provider = module.providers.get(token);
    if (provider === undefined) continue;
    if (Array.isArray(provider.inject)) return tokensOf(provider.inject as Dependencies);
    return typeof provider.metatype === 'function'
      ? dependenciesOfClass(provider.metatype as Type)
      : [];
  }
  return [];
}

/** Reads the metadata in which TypeScript and Nest's `Inject` record a class's dependencies. */
function dependenciesOfClass(type: Type): readonly InjectionToken[] {
  const parameters = [
    ...((Reflect.getMetadata('design:paramtypes', type) as InjectionToken[] | undefined) ?? []),
  ];
  const named = Reflect.getMetadata('self:paramtypes', type) as
    { index: number; param: unknown }[] | undefined;
  for (const { index, param } of named ?? []) parameters[index] = param as InjectionToken;
  const properties = Reflect.getMetadata('self:properties_metadata', type) as
    { type: unknown }[] | undefined;
  return [...parameters, ...(properties ?? []).map((property) => property.type as InjectionToken)]
    .map(withoutForwardRef)
    .filter((token) => token !== undefined && token !== null);
}

function tokensOf(dependencies: Dependencies): readonly InjectionToken[] {
  return dependencies
    .map((each) => (isOptionalDependency(each) ? each.token : each))
    .map(withoutForwardRef)
    .filter((token) => token !== undefined && token !== null);
}

function withoutForwardRef(token: InjectionToken): InjectionToken {
  const reference = token as { forwardRef?: () => InjectionToken } | undefined;
  return typeof reference === 'object' && typeof reference?.forwardRef === 'function'
    ? reference.forwardRef()
    : token;
}

function nameOf(token: InjectionToken): string {
  return typeof token === 'function' ? token.name : String(token);
}
