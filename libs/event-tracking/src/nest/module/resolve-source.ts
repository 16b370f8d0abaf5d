import { Inject, Optional, type InjectionToken, type Type } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { describeError } from '../../core/diagnostics/describe.js';
import { EventTrackingError, ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import type { Dependencies, ObjectSource } from '../config/blueprint.js';

/** An object of the configuration, and its owner. */
export interface ResolvedObject {
  readonly value: unknown;
  /** Whether this module has created the object and must close it. */
  readonly owned: boolean;
}

/**
 * Creates or looks up an object of the configuration, with Nest's injector if needed.
 *
 * @throws {@link ImproperlyConfigured} with the object's path if it cannot be created
 */
export async function resolveSource(
  source: ObjectSource,
  injector: ModuleRef,
): Promise<ResolvedObject> {
  try {
    switch (source.kind) {
      case 'value':
        return { value: source.value, owned: false };
      case 'class':
        return { value: await injector.create(source.type), owned: true };
      case 'factory': {
        const dependencies = await resolveTokens(source.inject, injector);
        return { value: await source.factory(...dependencies), owned: true };
      }
      case 'existing': {
        const [value] = await resolveTokens([source.token], injector);
        return { value, owned: false };
      }
    }
  } catch (cause) {
    throw withPath(source, cause);
  }
}

/** Matches messages that already begin with a path of the configuration. */
const HAS_PATH = /^(backends|processors|queue|trackers|contextLocator)\b/;

function withPath({ where }: ObjectSource, cause: unknown): unknown {
  if (cause instanceof ImproperlyConfigured && !HAS_PATH.test(cause.message)) {
    return new ImproperlyConfigured(`${where}: ${cause.message}`, { cause });
  }
  if (cause instanceof EventTrackingError) return cause;
  const error = describeError(cause);
  return new ImproperlyConfigured(`${where} could not be created. ${hintFor(error)}${error}`, {
    cause,
  });
}

/** Explains Nest's message, which names the internal core module that users have never imported. */
function hintFor(error: string): string {
  return error.includes('is available in the EventTrackingCoreModule')
    ? 'Dependencies are looked up in global modules and in imports, next to backends. ' +
        'Add the module that exports the missing one to imports. '
    : '';
}

/**
 * Resolves tokens as the constructor parameters of a local class.
 *
 * @remarks
 * `ModuleRef.get` would return objects whose constructors have not run yet. The class has no
 * decorators, because the compiler would emit parameter types for them.
 */
async function resolveTokens(dependencies: Dependencies, injector: ModuleRef): Promise<unknown[]> {
  class Definition {
    readonly values: unknown[];

    constructor(...values: unknown[]) {
      this.values = values;
    }
  }
  dependencies.forEach((dependency, index) => {
    const { token, optional } = isOptionalDependency(dependency)
      ? dependency
      : { token: dependency, optional: false };
    Inject(token)(Definition, undefined, index);
    if (optional) Optional()(Definition, undefined, index);
  });
  return (await injector.create(Definition as Type<Definition>)).values;
}

export function isOptionalDependency(
  dependency: Dependencies[number],
): dependency is { token: InjectionToken; optional: boolean } {
  return typeof dependency === 'object' && dependency !== null && 'optional' in dependency;
}
