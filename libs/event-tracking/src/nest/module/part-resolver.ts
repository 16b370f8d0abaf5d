import { Inject, Optional, type InjectionToken, type Type } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { describeError } from '../../core/diagnostics/describe.js';
import { EventTrackingError, ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import type { Dependencies, Part } from '../config/blueprint.js';

/** What became of a part. */
export interface ResolvedPart {
  readonly value: unknown;
  /** Whether this module made it, and so has to close it. */
  readonly owned: boolean;
}

/**
 * Makes a part of the configuration, with Nest's injector where it needs one.
 *
 * @throws {@link ImproperlyConfigured} with the part's place when it cannot be made
 */
export async function resolvePart(part: Part, injector: ModuleRef): Promise<ResolvedPart> {
  try {
    switch (part.kind) {
      case 'value':
        return { value: part.value, owned: false };
      case 'class':
        return { value: await injector.create(part.type), owned: true };
      case 'factory': {
        const dependencies = await resolve(part.inject, injector);
        return { value: await part.factory(...dependencies), owned: true };
      }
      case 'existing': {
        const [value] = await resolve([part.token], injector);
        return { value, owned: false };
      }
    }
  } catch (cause) {
    throw faultOf(part, cause);
  }
}

/** What begins with a place of the configuration. */
const PLACED = /^(backends|processors|queue|trackers|contextLocator)\b/;

function faultOf({ where }: Part, cause: unknown): unknown {
  if (cause instanceof ImproperlyConfigured && !PLACED.test(cause.message)) {
    return new ImproperlyConfigured(`${where}: ${cause.message}`, { cause });
  }
  if (cause instanceof EventTrackingError) return cause;
  const error = describeError(cause);
  return new ImproperlyConfigured(`${where}: it could not be made. ${hintAt(error)}${error}`, {
    cause,
  });
}

/** Nest speaks of a module that nobody knows who imports this one. */
function hintAt(error: string): string {
  return error.includes('is available in the EventTrackingCoreModule')
    ? 'What it depends on is looked for in global modules and in imports, beside backends: add the module that exports it there. '
    : '';
}

/**
 * Resolves tokens as constructor parameters of a class that exists for this purpose only: `ModuleRef.get` would hand out
 * objects whose constructors have not run yet. The class has no decorator of its own, for which the compiler would describe
 * the parameters too.
 */
async function resolve(dependencies: Dependencies, injector: ModuleRef): Promise<unknown[]> {
  class Resolved {
    readonly values: unknown[];

    constructor(...values: unknown[]) {
      this.values = values;
    }
  }
  dependencies.forEach((dependency, index) => {
    const { token, optional } = isOptionalDependency(dependency)
      ? dependency
      : { token: dependency, optional: false };
    Inject(token)(Resolved, undefined, index);
    if (optional) Optional()(Resolved, undefined, index);
  });
  return (await injector.create(Resolved as Type<Resolved>)).values;
}

/** Tells a token from one that is marked as optional. */
export function isOptionalDependency(
  dependency: Dependencies[number],
): dependency is { token: InjectionToken; optional: boolean } {
  return typeof dependency === 'object' && dependency !== null && 'optional' in dependency;
}
