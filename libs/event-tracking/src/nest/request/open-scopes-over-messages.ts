import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { EventTrackingApplication } from '../module/application.js';
import { guardMessageHandlers, methodsOf } from './dispatch-guard.js';
import { openScopesOverGateways } from './open-scopes-over-gateways.js';
import { openScopesOverMicroservices } from './open-scopes-over-microservices.js';
import { RequestScopeInterceptor } from './request-scope.interceptor.js';
import type { RequestScopes } from './request-scopes.js';

/**
 * Runs messages of microservices and gateways, and operations of GraphQL, in scopes of their own.
 *
 * @remarks Applications that serve HTTP alone get none of these hooks.
 */
export function openScopesOverMessages(
  config: ApplicationConfig,
  modules: ModulesContainer,
  application: EventTrackingApplication,
  scopes: RequestScopes,
): void {
  if (!application.enabled || !servesMessages(modules)) return;
  config.getGlobalInterceptors().unshift(new RequestScopeInterceptor(application, scopes));
  openScopesOverMicroservices(modules, scopes);
  openScopesOverGateways(config, scopes);
  guardMessageHandlers(modules);
}

/** The metadata keys of message patterns, gateways and resolvers, on classes or on methods. */
const MESSAGE_METADATA = /^(microservices|websockets|graphql):/;

function servesMessages(modules: ModulesContainer): boolean {
  for (const { providers, controllers } of modules.values()) {
    for (const { metatype } of [...providers.values(), ...controllers.values()]) {
      if (
        typeof metatype === 'function' &&
        [metatype, ...methodsOf(metatype)].some(isMessageHandler)
      )
        return true;
    }
  }
  return false;
}

function isMessageHandler(target: Function): boolean {
  return (Reflect.getMetadataKeys(target) as unknown[]).some((key) =>
    MESSAGE_METADATA.test(String(key)),
  );
}
