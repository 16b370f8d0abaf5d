import { Analytics } from '@segment/analytics-node';
import { context, data, NAME } from '../standard-event.mjs';

export const segment = {
  name: '@segment/analytics-node',
  package: '@segment/analytics-node',
  path: '/v1/batch',
  open(host) {
    const client = new Analytics({ writeKey: 'key', host });
    client.on('error', console.error);
    const { user_id, session_id, ip, agent, host: site, path } = context();
    return {
      // The client has no context, so the caller passes the data of the request.
      inContext: (work) => work(),
      emit: () =>
        client.track({
          userId: String(user_id),
          event: NAME,
          properties: data(),
          context: {
            ip,
            userAgent: agent,
            page: { path, url: `https://${site}${path}` },
            session_id,
          },
        }),
      flush: () => client.flush(),
      close: () => client.closeAndFlush(),
    };
  },
};
