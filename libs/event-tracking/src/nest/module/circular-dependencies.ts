import type { InjectionToken, Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import {
  pathsOf,
  partAt,
  type BackendPart,
  type Blueprint,
  type Dependencies,
  type LeafPart,
  type NodePart,
  type Part,
} from '../config/blueprint.js';
import { isOptionalDependency } from './part-resolver.js';
import { getBackendToken } from '../tokens.js';

/**
 * Refuses a backend that depends on what depends on it.
 *
 * @remarks
 * Such a circle leads through this module's own making of backends, where Nest's injector does not see it: bootstrap
 * would wait for itself for ever. So dependencies are followed before anything is made.
 * @throws {@link ImproperlyConfigured} with the circle
 */
export function refuseCircularBackends(blueprint: Blueprint, modules: ModulesContainer): void {
  const backends = new Map<InjectionToken, BackendPart>();
  for (const [tracker, root] of blueprint.trackers) {
    for (const path of pathsOf(root))
      backends.set(getBackendToken(path, tracker), partAt(root, path)!);
  }
  for (const [token, part] of backends) {
    const circle = findCircle(token, part, backends, modules);
    if (circle !== undefined) {
      throw new ImproperlyConfigured(
        `${part.where}: this backend depends on what depends on it: ${circle.join(' → ')}. Let one of them do without ` +
          `the other: inject Tracker, which waits for no backend, or ask the tracker for the backend when it is ` +
          `needed: tracker.getBackend(path).`,
      );
    }
  }
}

function findCircle(
  start: InjectionToken,
  part: BackendPart,
  backends: ReadonlyMap<InjectionToken, BackendPart>,
  modules: ModulesContainer,
): string[] | undefined {
  const seen = new Set<InjectionToken>();
  const follow = (
    dependencies: readonly InjectionToken[],
    trail: string[],
  ): string[] | undefined => {
    for (const token of dependencies) {
      if (token === start) return [...trail, part.where];
      if (seen.has(token)) continue;
      seen.add(token);
      const backend = backends.get(token);
      const next =
        backend === undefined
          ? dependenciesOfProvider(token, modules)
          : dependenciesOfPart(backend);
      const circle = follow(next, [...trail, backend?.where ?? nameOf(token)]);
      if (circle !== undefined) return circle;
    }
    return undefined;
  };
  return follow(dependenciesOfPart(part), [part.where]);
}

function dependenciesOfPart(part: BackendPart | Part): readonly InjectionToken[] {
  switch (part.kind) {
    case 'node':
      return partsOfNode(part).flatMap(dependenciesOfPart);
    case 'leaf':
      return partsOfLeaf(part).flatMap(dependenciesOfPart);
    case 'class':
      return dependenciesOfClass(part.type);
    case 'factory':
      return tokensOf(part.inject);
    case 'existing':
      return [part.token];
    case 'value':
      return [];
  }
}

function partsOfNode({ queue, processors, children }: NodePart): readonly (BackendPart | Part)[] {
  return [...(queue === undefined ? [] : [queue]), ...processors, ...children.values()];
}

function partsOfLeaf({ backend, delivery }: LeafPart): readonly (LeafPart | Part)[] {
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

/** The keys under which Nest's `Inject` and TypeScript leave what a class depends on. */
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
