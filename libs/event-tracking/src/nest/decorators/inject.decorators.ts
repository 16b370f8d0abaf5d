import { Inject } from '@nestjs/common';
import { getBackendToken, getTrackerToken } from '../tokens.js';

/**
 * Injects a tracker by name.
 *
 * @example
 * ```ts
 * constructor(@InjectTracker('audit') private readonly audit: Tracker) {}
 * ```
 * @param name - defaults to `default`, which can also be injected by its class
 */
export const InjectTracker = (name?: string): PropertyDecorator & ParameterDecorator =>
  Inject(getTrackerToken(name));

/**
 * Injects a backend of a tracker's tree.
 *
 * @example
 * ```ts
 * constructor(@InjectBackend('warehouse.memory') private readonly events: MemoryBackend) {}
 * ```
 * @param path - the backend's path in the tree, such as `warehouse.mongo`
 * @param tracker - defaults to `default`
 */
export const InjectBackend = (
  path: string,
  tracker?: string,
): PropertyDecorator & ParameterDecorator => Inject(getBackendToken(path, tracker));
