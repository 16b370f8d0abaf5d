import type { HttpAdapterHost } from '@nestjs/core';
import { quoteName } from '../../core/diagnostics/describe.js';
import { callSiteOf, stackIn } from '../../core/event-types/call-site.js';
import type { EventTrackingApplication } from './application.js';

const MAX_CALL_SITES = 100;

/**
 * Warns, once for each call site, of contexts that are entered for the whole process although the
 * application has started.
 *
 * @remarks An HTTP application has started when it listens: until then, `main.ts` may enter them.
 */
export function warnOfProcessContexts(
  application: EventTrackingApplication,
  adapterHost: HttpAdapterHost,
): void {
  const callSites = new Set<string>();
  const warn = (name: string | undefined): void => {
    const isStarting = Boolean(adapterHost.httpAdapter) && !adapterHost.listening;
    if (isStarting || callSites.size >= MAX_CALL_SITES) return;
    const callSite = callSiteOf(stackIn(new Error('')));
    const subject = callSite === '' ? `the context ${quoteName(name)}` : callSite;
    if (callSites.has(subject)) return;
    callSites.add(subject);
    application.diagnostics.warn(
      subject,
      `enterContext(${quoteName(name)})${callSite === '' ? '' : ` at ${callSite}`} ran outside any ` +
        `scope: from now on, every event of the process carries the context. Limit it with ` +
        `tracker.context(name, values, callback) or @TrackContext. Enter contexts of the process ` +
        `in onModuleInit, or before the application listens.`,
    );
  };
  for (const { pipeline } of application.trackers.values()) pipeline.onProcessContext = warn;
}
