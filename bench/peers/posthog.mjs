import { PostHog } from 'posthog-node';
import { context, data, NAME } from '../standard-event.mjs';

export const posthog = {
  name: 'posthog-node',
  package: 'posthog-node',
  path: '/batch/',
  open(host) {
    const client = new PostHog('key', { host });
    client.on('error', console.error);
    const { user_id, ...properties } = context();
    return {
      inContext: (work) => client.withContext({ distinctId: String(user_id), properties }, work),
      emit: () => client.capture({ event: NAME, properties: data() }),
      flush: () => client.flush(),
      close: () => client.shutdown(),
    };
  },
};
