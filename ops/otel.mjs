// Weir's traces to an OpenTelemetry collector, by OTLP over HTTP:
//
//   npm install --no-save @opentelemetry/sdk-trace-node@2 @opentelemetry/exporter-trace-otlp-http@0.223
//   NODE_OPTIONS="--import ./ops/otel.mjs" node dist/main.js
//
// OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG, OTEL_SERVICE_NAME and OTEL_BSP_* mean what
// they always do.
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

const provider = new NodeTracerProvider({
  resource: defaultResource()
    .merge(resourceFromAttributes({ 'service.name': 'weir' }))
    .merge(detectResources({ detectors: [envDetector] })),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
// Weir ends when it has nothing left to do; this sends the spans that are still buffered.
process.once('beforeExit', () => provider.shutdown());
