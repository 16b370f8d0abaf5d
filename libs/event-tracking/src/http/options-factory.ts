import { describeSecret } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import { isPlainObject } from '../core/event/event.js';

/** How the definition of a backend delivers events. */
export interface HttpDeliveryOptions<Delivery = object> {
  /**
   * How events reach the endpoint.
   *
   * @default batches of 100, four at once; requests with a single event, eight at once
   */
  delivery?: Delivery;
}

/** Options that a factory creates from injected dependencies. */
export interface BackendOptionsFactory<Options> {
  // Types cannot follow the arguments that `inject` lists.
  // oxlint-disable-next-line typescript/no-explicit-any
  useFactory: (...dependencies: any[]) => Options | Promise<Options>;
  /** The tokens of the arguments of `useFactory`. */
  inject?: Token[];
}

/** A token of Nest's injector. */
type Token = string | symbol | (abstract new (...args: never[]) => unknown);

/** The parts of a definition's options. */
interface ReadDefinition<Options, Delivery> {
  readonly delivery: Delivery;
  readonly inject: readonly Token[];
  readonly create: (...dependencies: unknown[]) => Options | Promise<Options>;
  /** The options, unless a factory creates them. */
  readonly fixed: Options | undefined;
}

/** @throws {@link ImproperlyConfigured} for options that are not an object */
export function readDefinition<Options extends object, Delivery extends object>(
  options: (Options | BackendOptionsFactory<Options>) & HttpDeliveryOptions<Delivery>,
  where: string,
): ReadDefinition<Options, Delivery> {
  if (!isPlainObject(options)) {
    throw new ImproperlyConfigured(
      `${where}: options must be an object such as { url }; received ${describeSecret(options)}.`,
    );
  }
  const { delivery = {} as Delivery, ...rest } = options;
  if ('useFactory' in rest) {
    const { useFactory, inject = [] } = rest as unknown as BackendOptionsFactory<Options>;
    return { delivery, inject, create: useFactory, fixed: undefined };
  }
  const fixed = rest as unknown as Options;
  return { delivery, inject: [], create: () => fixed, fixed };
}
