import type { ExecutionContext } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { Observable } from 'rxjs';
import type { EventTrackingApplication } from '../module/application.js';
import { RequestScopeInterceptor } from './request-scope.interceptor.js';
import type { RequestScopes } from './request-scopes.js';
import { subscribeWithin } from '../decorators/subscribe-within.js';

type PreRequestHook = (
  context: ExecutionContext,
  next: () => Observable<unknown>,
) => Observable<unknown>;

/**
 * Runs messages of microservices and gateways, and operations of GraphQL, in scopes of their own.
 *
 * @remarks
 * The outermost interceptor opens these scopes; applications that serve HTTP alone do not get it.
 * Hooks of Nest 12 also open the scope of a microservice's message before its guards run.
 */
export function openScopesOverMessages(
  config: ApplicationConfig,
  modules: ModulesContainer,
  application: EventTrackingApplication,
  scopes: RequestScopes,
): void {
  if (!servesMessages(modules)) return;
  config.getGlobalInterceptors().unshift(new RequestScopeInterceptor(application, scopes));
  const { registerPreRequestHook } = config as {
    registerPreRequestHook?: (hook: PreRequestHook) => void;
  };
  registerPreRequestHook?.call(config, (context, next) =>
    application.enabled
      ? subscribeWithin(application.locator, (fn) => scopes.within(context, fn), next)
      : next(),
  );
}

/** The metadata keys of message patterns, gateways and resolvers, on classes or on methods. */
const MESSAGE_METADATA = /^(microservices|websockets|graphql):/;

function servesMessages(modules: ModulesContainer): boolean {
  for (const { providers, controllers } of modules.values()) {
    for (const { metatype } of [...providers.values(), ...controllers.values()]) {
      if (typeof metatype === 'function' && hasMessageMetadata(metatype)) return true;
    }
  }
  return false;
}

function hasMessageMetadata(type: Function): boolean {
  if (isMessageHandler(type)) return true;
  let owner: unknown = type.prototype;
  while (typeof owner === 'object' && owner !== null && owner !== Object.prototype) {
    for (const descriptor of Object.values(Object.getOwnPropertyDescriptors(owner))) {
      if (typeof descriptor.value === 'function' && isMessageHandler(descriptor.value as Function))
        return true;
    }
    owner = Object.getPrototypeOf(owner);
  }
  return false;
}

function isMessageHandler(target: Function): boolean {
  return (Reflect.getMetadataKeys(target) as unknown[]).some((key) =>
    MESSAGE_METADATA.test(String(key)),
  );
}
