import { Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

/** Learns that the application is closing, before the hooks of other modules run. */
@Injectable()
export class ClosingSignal implements OnModuleDestroy {
  readonly #listeners: (() => void)[] = [];

  constructor(modules: ModulesContainer) {
    // Nest awaits the hooks of one module after the other, in the order of their distances.
    for (const module of modules.values()) {
      if (module.metatype === ClosingSignalModule) module.distance = -Infinity;
    }
  }

  /** Calls a function when `app.close()` begins or a signal arrives. */
  onClosing(listener: () => void): void {
    this.#listeners.push(listener);
  }

  onModuleDestroy(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Provides the {@link ClosingSignal}; a module of its own, because hooks are ordered by module. */
@Module({ providers: [ClosingSignal], exports: [ClosingSignal] })
export class ClosingSignalModule {}
