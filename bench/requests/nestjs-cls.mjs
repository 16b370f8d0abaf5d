/** nestjs-cls, mounted as a middleware; no event is made. */
import { ClsModule } from 'nestjs-cls';

export const imports = [
  ClsModule.forRoot({ global: true, middleware: { mount: true, generateId: true } }),
];
