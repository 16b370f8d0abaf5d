import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { context, data, NAME } from '../standard-event.mjs';

export const openTelemetry = {
  name: '@opentelemetry/sdk-logs, OTLP/HTTP',
  package: '@opentelemetry/sdk-logs',
  path: '/v1/logs',
  settings: (events) => ({ maxQueueSize: events }),
  open(host, settings) {
    const exporter = new OTLPLogExporter({ url: `${host}/v1/logs` });
    const provider = new LoggerProvider({
      processors: [new BatchLogRecordProcessor({ exporter, ...settings })],
    });
    const logger = provider.getLogger('bench');
    const attributes = context();
    return {
      // OpenTelemetry's context carries traces, so the caller passes the data of the request.
      inContext: (work) => work(),
      emit: () => logger.emit({ eventName: NAME, body: data(), attributes }),
      flush: () => provider.forceFlush(),
      close: () => provider.shutdown(),
    };
  },
};
