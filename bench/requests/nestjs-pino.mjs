/** nestjs-pino, which logs a line for each request to a stream that discards it. */
import { LoggerModule } from 'nestjs-pino';

export const imports = [
  // On Fastify its default routes match no request.
  LoggerModule.forRoot({ pinoHttp: [{}, { write() {} }], forRoutes: ['{*path}'] }),
];
