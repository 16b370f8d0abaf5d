/** nestjs-cls, mounted as middleware; emits no event. */
import { ClsModule } from 'nestjs-cls';

export const imports = [
  ClsModule.forRoot({ global: true, middleware: { mount: true, generateId: true } }),
];
