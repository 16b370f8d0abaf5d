/** nestjs-pino, which logs a line for each request; the lines go nowhere. */
import { LoggerModule } from 'nestjs-pino';

export const imports = [
  // On Fastify its default routes match no request.
  LoggerModule.forRoot({ pinoHttp: [{}, { write() {} }], forRoutes: ['{*path}'] }),
];
